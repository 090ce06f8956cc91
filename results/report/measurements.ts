// Reads and checks every file of a run, and computes what its loads say of a target.

import { mean } from 'simple-statistics';
import {
  CALIBRATIONS,
  runName,
  type Calibration,
  type Comparison,
  type Content,
  type Environment,
  type ExperimentName,
  type Kind,
  type Row,
  type TargetName,
} from '../files.ts';
import { readRun, ResultsError } from '../read.ts';
import { FORMER_COMPARISON } from './built-in.ts';
import { histogramOf, type Histogram } from '../statistics.ts';
import { sustainedIn, throughputOf } from '../sweep.ts';

/** What a run says of itself; of an older one, what it compared is known all the same. */
export type RunEnvironment = Environment & { comparison: Comparison };

/** What a trial has measured of one target. */
export interface Part {
  environment: RunEnvironment;
  experiment: ExperimentName;
  trial: number;
  target: TargetName;
  has: (kind: Kind) => boolean;
  /** @throws ResultsError if there is no such file */
  read: <K extends Kind>(kind: K) => Content<K>;
  /** Sentences that say why the figures don't count; empty if they do. */
  reasons: string[];
}

export interface Measurements {
  /** The name of the run, whatever its folder is called now. */
  name: string;
  /** The folder of the run, for messages only: a report must not depend on it. */
  folder: string;
  /** SHA-256 of all files, as `Run.checksum` in read.ts defines it. */
  checksum: string;
  environment: RunEnvironment;
  parts: Part[];
}

/** @throws ResultsError that names the file, the line and the column if anything in the folder is missing or broken */
export function readMeasurements(folder: string): Measurements {
  const run = readRun(folder);
  const written = run.environment();
  const environment = { ...written, comparison: written.comparison ?? FORMER_COMPARISON };
  const { verdicts, interfaces, comparison } = environment;
  if (!Object.hasOwn(interfaces, comparison.baseline))
    throw new ResultsError(
      `${folder}/environment.json has no interface ${comparison.baseline}, which is its baseline.`,
    );
  const order = Object.keys(interfaces);
  const parts = run.experiments.flatMap(({ name, trials }) =>
    trials.flatMap(({ number, targets }) =>
      targets
        .toSorted((one, other) => order.indexOf(one.target) - order.indexOf(other.target))
        .map(({ target, kinds, read }): Part => {
          if (!Object.hasOwn(interfaces, target)) {
            throw new ResultsError(`${folder}/environment.json has no interface ${target}, of which there are files.`);
          }
          const contents = new Map<Kind, unknown>(kinds.map((kind) => [kind, read(kind)]));
          const where = `${folder}/${name}/${String(number)}`;
          const get = <K extends Kind>(kind: K): Content<K> => {
            if (!contents.has(kind)) throw new ResultsError(`${where} has no ${kind} of ${target}.`);
            return contents.get(kind) as Content<K>;
          };
          const judged = verdicts.find(
            (load) => load.experiment === name && load.trial === number && load.target === target,
          );
          // The load generator wrote the file; `compare` added its own reasons to environment.json.
          const written = contents.has('verdict') ? get('verdict').reasons : [];
          const reasons = [...new Set([...written, ...(judged?.reasons ?? [])])];
          const has = (kind: Kind) => contents.has(kind);
          return { environment, experiment: name, trial: number, target, has, read: get, reasons };
        }),
    ),
  );
  if (parts.length === 0) throw new ResultsError(`${folder} holds no experiment: nothing was measured there.`);
  return { name: runName(environment), folder, checksum: run.checksum(), environment, parts };
}

/** A target of a run, by its key. */
export interface MeasuredTarget {
  measurements: Measurements;
  key: TargetName;
}

/**
 * The CPU limit of each replica of a target; undefined where there is none.
 * @param scaling as `resources` of a server in environment.json names the replicas
 */
export function cpuLimitOf(
  { servers, interfaces }: Environment,
  target: TargetName,
  scaling: string,
): string | undefined {
  return servers[interfaces[target]?.server ?? '']?.resources[scaling]?.limits.cpu;
}

/** The parts of an experiment, in the order of trials. */
export function partsOf({ measurements, key }: MeasuredTarget, experiment: ExperimentName): Part[] {
  return measurements.parts.filter((part) => part.experiment === experiment && part.target === key);
}

/** The loads that are judged: all except those of `calibrate`. */
export function loadsOf({ parts }: Measurements): Part[] {
  return parts.filter((part) => part.has('verdict') && part.experiment !== 'calibrate');
}

/** The load on a bare server in a target's form of request; undefined if it did not run. */
export function bareLoadOf(target: MeasuredTarget, calibration: Calibration): Part | undefined {
  return partsOf(target, 'calibrate').find(({ trial }) => trial === CALIBRATIONS[calibration]);
}

/** The cold starts of a target, in their order. */
export function startsOf(target: MeasuredTarget): Row<'coldstarts'>[] {
  return partsOf(target, 'coldstart').flatMap((part) => (part.has('coldstarts') ? part.read('coldstarts') : []));
}

/** A target's answers on Knative from zero pods. */
export function zeroStartsOf(target: MeasuredTarget): Row<'zerostarts'>[] {
  return partsOf(target, 'scale-from-zero').flatMap((part) => (part.has('zerostarts') ? part.read('zerostarts') : []));
}

export function isValid({ reasons }: Part): boolean {
  return reasons.length === 0;
}

/** The trials of an experiment that count. */
export function countingOf(target: MeasuredTarget, experiment: ExperimentName): Part[] {
  return partsOf(target, experiment).filter(isValid);
}

/** The step with the highest throughput. Each load that counts has one. */
export function bestStep(part: Part): Row<'steps'> {
  const [best] = part.read('steps').toSorted((a, b) => throughputOf([b]) - throughputOf([a]));
  if (!best) throw new ResultsError(`${part.experiment}/${String(part.trial)} of ${part.target} has no step.`);
  return best;
}

/** Whether the target sustained the offered rate; always true in a closed loop. */
function isSustained({ saturated }: Row<'steps'>): boolean {
  return saturated !== 1;
}

/** The steps whose offered rate the target sustained. */
export function sustainedSteps(part: Part): Row<'steps'>[] {
  return sustainedIn(part.read('steps'));
}

/** The steps whose offered rate the target did not sustain. */
export function saturatedSteps(part: Part): Row<'steps'>[] {
  return part.read('steps').filter((step) => !isSustained(step));
}

/**
 * The latencies of right answers. They count from when the request was due if a rate was offered, else from its sending.
 * Saturated steps are left out: there, a latency would only show how long the load lasted.
 */
export function latencyOf(part: Part, step?: number): Histogram {
  const sustained = new Set(
    part
      .read('steps')
      .filter(isSustained)
      .map((row) => row.step),
  );
  const rows = part.read('latency').filter((row) => (step === undefined ? sustained.has(row.step) : row.step === step));
  const clock = rows.some((row) => row.clock === 'response') ? 'response' : 'service';
  return histogramOf(rows.filter((row) => row.clock === clock && row.outcome === 'ok'));
}

/**
 * Groups the steps of all trials by a number, such as their users.
 * @returns an entry for each number, rising: its number of steps, their right answers/s, and a histogram of each
 */
export function together(parts: readonly Part[], keyOf: (step: Row<'steps'>) => number) {
  const loads = parts.flatMap((part) => part.read('steps').map((step) => ({ part, step })));
  const keys = [...new Set(loads.map(({ step }) => keyOf(step)))].sort((a, b) => a - b);
  return keys.map((key) => {
    const alike = loads.filter(({ step }) => keyOf(step) === key);
    const answersPerSecond = throughputOf(alike.map(({ step }) => step));
    const histograms = alike.map(({ part, step }) => latencyOf(part, step.step));
    return { key, steps: alike.length, answersPerSecond, histograms };
  });
}

/**
 * CPU seconds between the first and the last reading of the counter, and the requests that ended meanwhile; NaN without
 * two readings of the same pod.
 * @param steps their first and last one bound the readings
 */
export function cpuOf(part: Part, steps = part.read('steps')): { seconds: number; requests: number } {
  const unknown = { seconds: NaN, requests: NaN };
  const [start, end] = [steps.at(0)?.start_s ?? 0, steps.at(-1)?.end_s ?? 0];
  if (!part.has('pods')) return unknown;
  const readings = part.read('pods').filter(({ timestamp_s }) => timestamp_s >= start && timestamp_s <= end);
  const [first, last] = [readings.at(0), readings.at(-1)];
  // A counter of another pod begins anew.
  if (!first || !last || first === last || readings.some(({ pod }) => pod !== first.pod)) return unknown;
  const requests = part
    .read('seconds')
    .map((row) => row.requests * overlap(row.timestamp_s, first.timestamp_s, last.timestamp_s));
  return {
    seconds: last.cpu_seconds - first.cpu_seconds,
    requests: requests.reduce((total, count) => total + count, 0),
  };
}

/** Samples of replicas, CPU and memory during the load; empty if the target runs elsewhere. */
export function samplesOf(part: Part): Row<'timeline'>[] {
  return part.has('timeline') ? part.read('timeline') : [];
}

/** The mean number of ready replicas in some steps; NaN if it is not known. */
export function readyReplicas(part: Part, steps: readonly Row<'steps'>[]): number {
  const samples = samplesOf(part).filter(({ timestamp_s }) =>
    steps.some(({ start_s, end_s }) => timestamp_s >= start_s && timestamp_s < end_s),
  );
  return samples.length > 0 ? mean(samples.map(({ ready_replicas }) => ready_replicas)) : NaN;
}

/** The first second of a load, as Unix time. */
export function startOf(part: Part): number {
  return Math.min(...part.read('seconds').map(({ timestamp_s }) => timestamp_s));
}

/**
 * Seconds from when the autoscaler asked for a second replica until it was ready; NaN if the load began with several
 * replicas, or ended with one.
 */
export function waitForSecond(part: Part): number {
  const samples = samplesOf(part);
  const [wanted, ready] = [
    samples.find(({ desired_replicas }) => desired_replicas > 1),
    samples.find(({ ready_replicas }) => ready_replicas > 1),
  ];
  return wanted && ready && ready !== samples[0] ? ready.timestamp_s - wanted.timestamp_s : NaN;
}

/**
 * The share of CPU periods, from 0 to 1, in which the kernel stopped the target's pods at their CPU limit while they
 * were measured; undefined where it is not known, or no pod has a limit.
 * @param steps their first and last one bound the time
 */
export function throttledShare(part: Part, steps = part.read('steps')): number | undefined {
  if (!part.has('throttling')) return undefined;
  const [start, end] = [steps.at(0)?.start_s ?? 0, steps.at(-1)?.end_s ?? 0];
  const within = part.read('throttling').filter(({ timestamp_s }) => timestamp_s >= start && timestamp_s <= end);
  let [periods, throttled] = [0, 0];
  for (const readings of Object.values(Object.groupBy(within, ({ pod }) => pod))) {
    const [first, last] = [readings?.at(0), readings?.at(-1)];
    periods += (last?.periods ?? 0) - (first?.periods ?? 0);
    throttled += (last?.throttled_periods ?? 0) - (first?.throttled_periods ?? 0);
  }
  return periods > 0 ? throttled / periods : undefined;
}

/** The share of a second that lies between start and end. */
function overlap(second: number, start: number, end: number): number {
  return Math.max(0, Math.min(second + 1, end) - Math.max(second, start));
}
