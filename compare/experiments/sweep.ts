// Raises the rate to one replica of each target from idle to saturation, and finds the highest one within a latency.

import { max } from 'simple-statistics';
import { againOf, fileName, type Bound, type Interface, type TargetName } from '../../results/files.ts';
import { histogramOf } from '../../results/statistics.ts';
import {
  latencyWithFailures,
  rateWithin,
  sustainedRates,
  type Point,
  type RateWithin,
  type SweepFiles,
} from '../../results/sweep.ts';
import type { Step } from '../place.ts';
import { rowsOf, type Files } from '../run/files.ts';
import { SETTLE_SECONDS, type Settings } from '../settings.ts';
import { askBareServer } from './calibrate.ts';
import { OVERHEAD_SECONDS, type Context, type Experiment } from './experiment.ts';
import { RATE_USERS, wholeRate, withinLimits } from './limits.ts';
import { leaveOut, measureInTurns, probe } from './measure.ts';

/** The lowest rate, as a share of what the load generator can send. */
const LOWEST_SHARE = 0.02;
/** By how much a rate is higher than the one before. */
const FACTOR = 1.5;
/** Where the rates around a target's place are, as powers of that factor. */
const NEAR = [-0.5, 0, 0.5];
/** Two rates that differ by less show the same. */
const SAME = 1.05;
/**
 * So many requests of a step must be slower than its percentile: 10, whose number then varies by about a third from
 * step to step. A p99 needs 1 000 requests.
 */
const SLOWER_REQUESTS = 10;
/** The length of a step of the first look, in seconds. */
const LOOK_SECONDS = SETTLE_SECONDS + 3;
/** Roughly how many rates there are from idle to saturation, near rates included. */
const USUAL_RATES = 11;

export const sweep = {
  name: 'sweep',
  about: 'latency, CPU and throughput of one replica at rising rates, from idle to saturation',
  needs: ['calibrate'],
  quick: true,
  fits: () => true,
  seconds: ({ pace }) => {
    const trial = USUAL_RATES * (SETTLE_SECONDS + pace.shortestStep) + OVERHEAD_SECONDS;
    const looks = pace.isThorough ? USUAL_RATES * LOOK_SECONDS + OVERHEAD_SECONDS + trial : 0;
    // The baseline is measured twice, of about three targets.
    return (pace.isThorough ? 4 / 3 : 1) * pace.sweepTrials * trial + pace.warmUp + looks;
  },

  async run(context) {
    const { place, settings, limits } = context;
    const bounds = settings.within;
    const { isThorough, sweepTrials: trials } = settings.pace;
    const again = againOf(settings.comparison.baseline);
    let rates = ladder(limits.bound);
    const near = new Map<Interface, number[]>();
    if (isThorough) {
      for (const target of place.interfaces) {
        const places = await look(context, target, rates);
        near.set(target, places.flatMap(ratesNear));
        // The report compares latencies at a tenth of the baseline's rate, too.
        const tenth = wholeRate((places[0]?.rate ?? 0) / 10);
        if (target === place.interfaces[0] && tenth > 1 && tenth < (rates[0] ?? 0)) rates = [tenth, ...rates];
      }
    } else
      leaveOut(
        context,
        'sweep: the baseline again, and how much of a latency is the load generator’s own; too long for --quick.',
      );
    const steps = rates.map((rate) => stepOf(rate, settings));
    const targets: TargetName[] = isThorough ? [...place.interfaces, again] : [...place.interfaces];
    const plan = { trials, scaling: 'one' as const, bounds, steps };
    const measured = await measureInTurns(context, { name: 'sweep', targets }, plan, {
      stepsOf: (target) => allRates(rates, near.get(target) ?? []).map((rate) => stepOf(rate, settings)),
      tell: (files, target) => bounds.map((bound) => inWords(bound, placeOf(files, target, bound))),
    });
    const sweeps = new Map(
      place.interfaces.map((target) => {
        const files = measured.get(target) ?? [];
        return [target, files.map((each) => sweepFiles(each, target))];
      }),
    );
    for (const target of isThorough ? place.interfaces : []) {
      const highest = max([0, ...(sweeps.get(target) ?? []).flatMap(({ steps }) => sustainedRates(steps))]);
      // The next rate, too: the highest that a target sustained may lie between two.
      const asked = steps.slice(0, 1 + steps.filter(({ rate }) => rate < highest).length);
      const sent = withinLimits(asked, limits.targets.get(target));
      if (sent.length > 0) await askBareServer(context, 'floor', target, sent);
    }
    return { sweeps };
  },
} as const satisfies Experiment;

/** Rates that rise by a constant factor to the highest one that all targets of the baseline's protocol can be asked at. */
function ladder(highest: number): number[] {
  const count = Math.ceil(Math.log(1 / LOWEST_SHARE) / Math.log(FACTOR));
  const falling = Array.from({ length: count }, (_, power) => wholeRate(highest / FACTOR ** power));
  return [...new Set(falling.toReversed())];
}

/** The rates of all targets and those near a target's places, rising, without any that show the same as another. */
function allRates(shared: readonly number[], near: readonly number[]): number[] {
  const isNew = (rate: number, others: readonly number[]) =>
    others.every((other) => Math.max(rate / other, other / rate) >= SAME);
  const added = near.reduce<number[]>((all, rate) => (isNew(rate, [...shared, ...all]) ? [...all, rate] : all), []);
  return [...shared, ...added].sort((a, b) => a - b);
}

/** A target that holds the bound at every rate, or at none, has no place between two rates. */
function ratesNear({ rate, isAtLeast }: RateWithin): number[] {
  return rate === 0 || isAtLeast ? [] : NEAR.map((power) => wholeRate(rate * FACTOR ** power));
}

/** A step lasts until it has enough requests for its highest percentile, within the pace's bounds. */
function stepOf(rate: number, { within, pace }: Settings): Step & { rate: number } {
  const requests = SLOWER_REQUESTS / (1 - max(within.map(({ percentile }) => percentile)) / 100);
  const seconds = Math.min(pace.longestStep, Math.max(pace.shortestStep, Math.ceil(requests / rate)));
  return { seconds: SETTLE_SECONDS + seconds, users: RATE_USERS, rate };
}

/** Finds roughly where a target crosses each bound, to measure more there. */
async function look(context: Context, target: Interface, rates: readonly number[]): Promise<RateWithin[]> {
  const all = rates.map((rate) => ({ seconds: LOOK_SECONDS, users: RATE_USERS, rate }));
  const steps = withinLimits(all, context.limits.targets.get(target));
  const files = await probe(context, { doing: 'sweep: a first look', target, steps });
  return context.settings.within.map((bound) => placeOf(files, target, bound));
}

function placeOf(files: Files, target: Interface, { percentile, milliseconds }: Bound): RateWithin {
  const rows = rowsOf(files, target, 'latency').filter(
    ({ clock, outcome }) => clock === 'response' && outcome === 'ok',
  );
  const points = rowsOf(files, target, 'steps').map(({ step, offered_rate, failures, saturated }): Point => {
    const right = histogramOf(rows.filter((row) => row.step === step));
    const latency = latencyWithFailures([right], failures, percentile);
    return { rate: offered_rate ?? 0, value: saturated === 1 ? Infinity : latency };
  });
  return rateWithin(points, 1000 * milliseconds);
}

function sweepFiles(files: Files, target: Interface): SweepFiles {
  return {
    steps: rowsOf(files, target, 'steps'),
    seconds: rowsOf(files, target, 'seconds'),
    pods: files.has(fileName(target, 'pods')) ? rowsOf(files, target, 'pods') : [],
  };
}

function inWords({ percentile, milliseconds }: Bound, { rate, isAtLeast }: RateWithin): string {
  return `p${percentile} below ${milliseconds} ms up to ${isAtLeast ? 'at least ' : ''}${rate.toFixed(0)} requests/s`;
}
