// Makes a results folder as `npm run compare` would leave it, without measuring anything: every figure in it is
// SYNTHETIC, drawn from stated truths and a seed. It is for tests of what reads results, lives only in them,
// and says so in its README.md and its environment.json. No clock and no machine go into it: the same options make the
// same bytes.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { max, median, min } from 'simple-statistics';
import { EXPERIMENT_NAMES, type ExperimentName } from '../../../loadtest/compare/experiments/index.ts';
import { readOptions, type Options } from '../../../loadtest/compare/options.ts';
import type { Step } from '../../../loadtest/compare/place.ts';
import { highestThroughput, tooFast } from '../../../loadtest/compare/verdicts.ts';
import { ENVIRONMENT, fileName, TARGETS, type Environment, type Kind, type Row, type Target } from '../../files.ts';
import { describe, format, formatEnvironment } from '../../write.ts';
import { Draws, rounded } from './draws.ts';
import { environmentOf, hasImage } from './environment.ts';
import { judge, loadTestFiles, stepRows } from './files.ts';
import { simulate } from './load.ts';
import { locustFiles } from './locust.ts';
import { CPU_LIMIT, DEFAULTS, type Synthetic, type Truth } from './options.ts';
import { CEILINGS, serve, type Load } from './second.ts';

const RATE_USERS = 32;
/** Unix time. */
const START = Date.UTC(2026, 0, 1) / 1000;

/** @param folder compare would name it by the time at which the run began: 2026-01-01T00-00-00 */
export function writeSyntheticRun(folder: string, options: Partial<Synthetic> = {}): void {
  const run = begin(folder, { ...DEFAULTS, ...options });
  for (const experiment of EXPERIMENT_NAMES.filter((name) => run.experiments.includes(name))) {
    // On one machine, nothing scales.
    if ((experiment === 'autoscale' || experiment === 'scale-from-zero') && run.isLocal) continue;
    if (experiment === 'scale-from-zero') startFromZero(run);
    else if (experiment === 'coldstart') for (const target of run.targets) startOften(run, target);
    else for (const [trial, target] of rounds(run, experiment)) measure(run, experiment, trial, target);
  }
  finish(run);
}

interface Run extends Synthetic {
  folder: string;
  isLocal: boolean;
  command: Options;
  /** Unix time. */
  now: number;
  ceilings: Partial<Record<Target, number>>;
  /** Requests/s, of each trial so far. */
  capacities: Record<Target, number[]>;
  verdicts: Environment['verdicts'];
  kinds: Set<Kind>;
}

function begin(folder: string, synthetic: Synthetic): Run {
  const { trials, seed, quick, mode } = synthetic;
  const isLocal = mode === 'local';
  const flags = [...(quick ? ['--quick'] : []), ...(isLocal ? ['--local'] : [])];
  const command = readOptions([...flags, '--trials', String(trials), '--seed', String(seed), '--cpu-limit', CPU_LIMIT]);
  const empty = { ceilings: {}, capacities: { function: [], tfserving: [] }, verdicts: [], kinds: new Set<Kind>() };
  return { ...synthetic, ...empty, folder, isLocal, command, now: START + 60 };
}

/** Trials and targets of an experiment, in the order in which they are measured. */
function rounds({ trials, targets }: Run, experiment: ExperimentName): [number, Target][] {
  const count = experiment === 'calibrate' ? 1 : experiment === 'noise' ? 2 * trials : trials;
  const its = experiment === 'noise' ? targets.filter((target) => target === 'function') : targets;
  return Array.from({ length: count }, (_, index) => index + 1).flatMap((trial) =>
    (trial % 2 === 1 ? its : its.toReversed()).map((target): [number, Target] => [trial, target]),
  );
}

function measure(run: Run, experiment: Load['experiment'], trial: number, target: Target): void {
  // A load has draws of its own, so that it stays the same, or nearly, when others are left out.
  const draws = new Draws(`${run.seed} ${experiment} ${trial} ${target}`);
  const truth = truthOf(run, experiment, target, draws);
  const { settle } = run.command.pace;
  const load: Load = { experiment, target, truth, settle, isLocal: run.isLocal, start: run.now, draws };
  const steps = stepsOf(run, load);
  const { seconds, timeline, pods, end } = simulate(load, steps);
  run.now = end + 15;

  const rows = stepRows(steps, seconds);
  const asked = run.invalid.filter(
    (each) => each.experiment === experiment && each.trial === trial && each.target === target,
  );
  const reasons = asked.map(({ reason }) => reason);
  if (experiment !== 'calibrate') reasons.unshift(...tooFast(rows, boundOf(run)));
  const verdict = judge(load, run.seed, steps, seconds, reasons);
  const files: [Kind, string][] = [...locustFiles(target, seconds), ...loadTestFiles(rows, seconds, verdict)];
  if (experiment === 'calibrate') run.ceilings[target] = verdict.throughput;
  else {
    files.push(['timeline', format('timeline', timeline)], ['pods', format('pods', pods)]);
    run.verdicts.push({ experiment, trial, target, verdict: verdict.verdict, reasons: verdict.reasons });
  }
  if (experiment === 'capacity') run.capacities[target].push(highestThroughput(rows));
  put(run, experiment, trial, target, files);
}

function put({ folder, kinds }: Run, experiment: string, trial: number, target: Target, files: [Kind, string][]): void {
  const path = join(folder, experiment, String(trial));
  mkdirSync(path, { recursive: true });
  for (const [kind, text] of files) {
    writeFileSync(join(path, fileName(target, kind)), text);
    kinds.add(kind);
  }
}

/** What is true in one trial: for `calibrate`, of a bare server that is faster than the load generator. */
function truthOf({ truths, trialSpread }: Run, experiment: ExperimentName, target: Target, draws: Draws): Truth {
  const truth = structuredClone(truths[target]);
  if (experiment === 'calibrate') {
    const latencyMicroseconds = { median: 100, sigma: 0.15 };
    return { ...truth, capacity: CEILINGS[target], latencyMicroseconds, failureShare: 0 };
  }
  truth.capacity *= draws.factor(trialSpread);
  truth.cpuMicroseconds *= draws.factor(trialSpread);
  truth.latencyMicroseconds.median *= draws.factor(trialSpread);
  return truth;
}

/** As loadtest/compare/experiments/ asks for them. */
function stepsOf(run: Run, load: Load): Step[] {
  const { pace, users: most } = run.command;
  switch (load.experiment) {
    case 'calibrate':
      return [{ seconds: pace.calibrate, users: RATE_USERS }];
    case 'autoscale': {
      const part = { seconds: Math.floor(pace.runTime / 4), users: RATE_USERS };
      return [0.25, 0.5, 0.75, 1].map((share) => ({ ...part, rate: Math.floor(share * boundOf(run)) }));
    }
    case 'capacity': {
      const powers = Array.from({ length: Math.log2(most) + 1 }, (_, power) => 2 ** power);
      return untilSaturated(
        load,
        powers.map((users) => ({ seconds: pace.capacityStep, users })),
      );
    }
    case 'latency':
    case 'noise': {
      const capacities = run.targets.map((target) =>
        run.capacities[target].length > 0 ? median(run.capacities[target]) : run.truths[target].capacity,
      );
      return [{ seconds: pace.latency, users: RATE_USERS, rate: Math.floor(min([min(capacities) / 2, boundOf(run)])) }];
    }
    case 'batch':
      return [1, 10, 100, 1000, 10_000].map((batch) => ({ seconds: pace.batchStep, users: 4, batch }));
  }
}

/** Requests/s that no load may exceed. */
function boundOf({ ceilings }: Run): number {
  return 0.6 * min(TARGETS.map((target) => ceilings[target] ?? CEILINGS[target]));
}

/** Steps up to the second in a row in which throughput rises by less than 5 %. */
function untilSaturated(load: Load, steps: Step[]): Step[] {
  const rates = steps.map((step) => serve(load, step, 1).rate);
  const isFlat = rates.map((rate, index) => index > 0 && rate < 1.05 * max(rates.slice(0, index)));
  const end = isFlat.findIndex((_, index) => isFlat[index] && isFlat[index - 1]);
  return end < 0 ? steps : steps.slice(0, end + 1);
}

/** Cold starts of a target, and its sizes. */
function startOften(run: Run, target: Target): void {
  const draws = new Draws(`${run.seed} coldstart ${target}`);
  const { coldStartMs, imageBytes, memoryIdleBytes, memoryLoadedBytes } = run.truths[target];
  const starts = Array.from({ length: run.command.pace.coldStarts }, (_, start): Row<'coldstarts'> => {
    run.now += 15;
    const first_answer_ms = rounded(coldStartMs * draws.factor(0.08), 3);
    const service = rounded(first_answer_ms + 100 + 1000 * draws.uniform(), 3);
    const pod_created_s = rounded(run.now + draws.uniform(), 3);
    return { start, pod_created_s, first_answer_ms, first_service_answer_ms: run.isLocal ? null : service };
  });
  run.now += 90;
  const footprint: Row<'footprint'>[] = [
    ...(hasImage(run.mode, target) ? [{ what: 'image' as const, bytes: imageBytes }] : []),
    { what: 'memory_idle', bytes: memoryIdleBytes },
    { what: 'memory_loaded', bytes: memoryLoadedBytes },
  ];
  put(run, 'coldstart', 1, target, [
    ['coldstarts', format('coldstarts', starts)],
    ['footprint', format('footprint', footprint)],
  ]);
}

/** Answers of the function on Knative, from no pod. */
function startFromZero(run: Run): void {
  const draws = new Draws(`${run.seed} scale-from-zero`);
  const rows = Array.from({ length: run.command.pace.coldStarts }, (_, start): Row<'zerostarts'> => {
    run.now += 45;
    return { start, first_answer_ms: rounded(1.5 * run.truths.function.coldStartMs * draws.factor(0.08), 3) };
  });
  put(run, 'scale-from-zero', 1, 'function', [['zerostarts', format('zerostarts', rows)]]);
}

function finish(run: Run): void {
  const { folder, ceilings, verdicts } = run;
  const environment = environmentOf(run, {
    started: new Date(START * 1000).toISOString(),
    ended: new Date(run.now * 1000).toISOString(),
    options: { ...run.command, experiments: run.experiments.filter((name) => name !== 'calibrate') },
    ceiling: Object.keys(ceilings).length > 0 ? { requestsPerSecond: { ...ceilings }, bound: boundOf(run) } : null,
    verdicts,
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, ENVIRONMENT), formatEnvironment(environment));
  const heading =
    '# Synthetic: not results\n\nMade for tests, from stated truths and a seed. Nothing here was measured.';
  writeFileSync(join(folder, 'README.md'), describe(heading, run.kinds));
}
