// What the report shows of a run that was measured before `sweep`: its experiments `capacity` and `latency`. Only the
// published run is one; once that is measured anew, this file goes, with FORMER_NAMES in files.ts, and all that names them.

import { sum } from 'simple-statistics';
import { FORMER_NAMES, type Content, type CsvKind, type ExperimentName, type Kind, type Row } from '../files.ts';
import { percentile, percentileInterval, type Histogram } from '../statistics.ts';
import { cpuLimit, duration, ratesOf, trialsInWords } from './conditions.ts';
import { left, paragraph, right, type Block } from './document.ts';
import { inMs, ofTrials, type Figure, type FigureDefinition } from './figures.ts';
import { number } from './format.ts';
import { bareLoadOf, cpuOf, isValid, latencyOf, partsOf, together, type Part } from './measurements.ts';
import type { SectionDefinition } from './sections/section.ts';
import { THROUGHPUT_PER_CPU } from './sweep-figures.ts';
import { forEachTarget, paired, sideBySide, trialsThatCount, type Target, type Targets } from './targets.ts';

/** Whether a run was measured before `sweep`. */
export function isFormer([{ measurements }]: Targets): boolean {
  return measurements.parts.some(({ experiment }) => FORMER_NAMES.some((name) => name === experiment));
}

export function formerFigures(targets: Targets): Figure[] {
  const capacity: typeof THROUGHPUT_PER_CPU = {
    ...THROUGHPUT_PER_CPU,
    source: THROUGHPUT_PER_CPU.source.replace('sweep', 'capacity'),
    boundOf: () => undefined,
  };
  return [
    ofTrials(targets, 'capacity', (part) => ({ part }), capacity, roundsOf),
    ...[50, 95, 99].map((percent) => ofTrials(targets, 'latency', (part) => latencyOf(part), latencyAt(percent))),
    ofTrials(targets, 'latency', (part) => cpuOf(part), CPU_PER_REQUEST),
  ];
}

function latencyAt(percent: number): FigureDefinition<Histogram> {
  return {
    key: `p${String(percent)}_ms`,
    name: percent === 50 ? 'Median latency' : `p${String(percent)} latency`,
    unit: 'ms',
    better: 'less',
    source: 'latency/*/<target>_latency.csv: the rows of clock response and outcome ok, merged',
    statistic: (histograms) => percentile(histograms, percent / 100) / 1000,
    interval: (histograms) => inMs(percentileInterval(histograms, percent / 100)),
    bare: 'floor',
    absent: () => ({ few: 'no right answer', sentence: 'No request got a right answer.' }),
  };
}

const CPU_PER_REQUEST: FigureDefinition<{ seconds: number; requests: number }> = {
  key: 'cpu_per_request_us',
  name: 'CPU per request',
  unit: 'µs',
  better: 'less',
  source: 'latency/*/<target>_pods.csv: rise of cpu_seconds, ÷ requests of <target>_seconds.csv meanwhile',
  statistic: (data) => (1e6 * sum(data.map(({ seconds }) => seconds))) / sum(data.map(({ requests }) => requests)),
  absent: () => ({
    few: 'CPU not read',
    sentence: 'The counters of CPU time could not be read, or not twice in each load.',
  }),
};

/** Each round of `capacity` as one part: it has a load for each number of users. */
function roundsOf(target: Target): Part[] {
  const rounds = Map.groupBy(
    partsOf(target, 'capacity'),
    ({ environment: { verdicts }, experiment, trial, target }) => {
      const judged = verdicts.find(
        (load) => load.experiment === experiment && load.trial === trial && load.target === target,
      );
      return judged?.round ?? trial;
    },
  );
  return [...rounds].map(([round, loads]) => asOne(loads as [Part, ...Part[]], round)).filter(isValid);
}

/** A round counts if the load with its highest throughput does; its rows are those of all its loads that count. */
function asOne(loads: readonly [Part, ...Part[]], trial: number): Part {
  const throughputOfLoad = (load: Part) => load.read('verdict').throughput;
  const best = loads.reduce((highest, load) => (throughputOfLoad(load) > throughputOfLoad(highest) ? load : highest));
  const counting = loads.filter(isValid);
  const read = <K extends Kind>(kind: K): Content<K> => {
    const rows = counting.flatMap((load, step) =>
      (load.read(kind) as Row<CsvKind>[]).map((row) => ('step' in row ? { ...row, step } : row)),
    );
    return rows as Content<K>;
  };
  return { ...best, trial, read };
}

export const former: SectionDefinition = { title: 'Throughput, and latency at one rate', blocks };

function blocks({ targets }: { targets: Targets }): Block[] | undefined {
  return isFormer(targets) ? [...throughput(targets), ...latency(targets)] : undefined;
}

function throughput(targets: Targets): Block[] {
  const rounds = paired(targets.map(roundsOf));
  const rows = forEachTarget(targets, rounds, (parts, target) =>
    together(parts, ({ users }) => users).map((point) => ({ target, ...point })),
  );
  if (rows.length === 0) return [];
  return [
    paragraph(
      `One replica, ${cpuLimit(targets, 'capacity')}, answers so much to users who ask again as soon as they have the ` +
        `answer, each number of them ${duration(targets[0].measurements, 'capacity')}; ${trialsInWords(targets, 'capacity')}.`,
    ),
    sideBySide(
      'Users',
      targets,
      rows,
      ({ key }) => key,
      {
        'right answers/s': ({ answersPerSecond }) => answersPerSecond,
        'p50, ms': ({ histograms }) => percentile(histograms, 0.5) / 1000,
        'p99, ms': ({ histograms }) => percentile(histograms, 0.99) / 1000,
      },
      'capacity/*/<target>_steps.csv and _latency.csv, all trials together',
    ),
  ];
}

function latency(targets: Targets): Block[] {
  const histograms = trialsThatCount(targets, 'latency')?.map((parts) => parts.map((part) => latencyOf(part)));
  if (!histograms) return [];
  const bare = targets.map((target) =>
    [bareLoadOf(target, 'floor')].flatMap((part) => (part ? [latencyOf(part)] : [])),
  );
  const ms = (ofTarget: readonly Histogram[] = [], share: number) => number(percentile(ofTarget, share) / 1000);
  return [
    paragraph(
      `One replica, ${cpuLimit(targets, 'latency')}, takes so long at a steady ${ratesOf(targets[0].measurements, 'latency')} ` +
        `requests/s, ${duration(targets[0].measurements, 'latency')}; ${trialsInWords(targets, 'latency')}. The bare ` +
        'server, which only answers, shows the load generator’s own part.',
    ),
    {
      kind: 'table',
      columns: [left('Percentile, ms'), ...targets.flatMap(({ label }) => [right(label), right('Bare server')])],
      rows: [0.5, 0.9, 0.95, 0.99, 0.999].map((share) => [
        `${number(100 * share)} %`,
        ...targets.flatMap((_, index) => [ms(histograms[index], share), ms(bare[index], share)]),
      ]),
      source: 'latency/*/<target>_latency.csv and calibrate/3/<target>_latency.csv',
    },
  ];
}

/** What the method says of the experiments. */
export function formerExperiments(targets: Targets): [name: ExperimentName, about: string][] {
  return [
    [
      'capacity',
      `loads one replica, ${cpuLimit(targets, 'capacity')}, by users who ask again as soon as they have the answer.`,
    ],
    ['latency', `offers one replica, ${cpuLimit(targets, 'latency')}, one steady rate, at even intervals.`],
    ['noise', 'repeats latency with the baseline alone; the report no longer shows it.'],
  ];
}
