// The settings of a run, which its command line gives.

import type { Choice } from '../lib/kubernetes/connection.ts';
import type { Bound, ExperimentName } from '../results/files.ts';
import type { Comparison } from './servers/comparison.ts';

/** First seconds of every step, which are not measured. */
export const SETTLE_SECONDS = 2;

/** How long and how often each thing is measured; all times are in seconds. */
export interface Pace {
  /** trials of `sweep` */
  sweepTrials: number;
  /** trials of the other experiments */
  trials: number;
  /** time of the run with the autoscaler */
  runTime: number;
  /** time of the load that warms up caches and compilers, once for each target */
  warmUp: number;
  /** time of the closed loop against the bare server, once for each form of request */
  calibrate: number;
  /** measured time of a rate of `sweep`, at least and at most */
  shortestStep: number;
  longestStep: number;
  /** time for each batch size: a kubelet reads its counters every 5 to 10 s, and two readings are wanted */
  batchStep: number;
  /** values in a request of `batch` */
  batches: readonly number[];
  /** whether it also measures how much is noise, how much is the load generator's own, and more rates near each bound */
  isThorough: boolean;
  /** times that each target is started */
  coldStarts: number;
}

export const FULL: Pace = {
  sweepTrials: 5,
  trials: 3,
  runTime: 300,
  warmUp: 10,
  calibrate: 16,
  shortestStep: 6,
  longestStep: 60,
  batchStep: 15,
  batches: [1, 100, 1000, 10_000],
  isThorough: true,
  coldStarts: 10,
};

export const QUICK: Pace = {
  sweepTrials: 1,
  trials: 1,
  runTime: 40,
  warmUp: 5,
  calibrate: 6,
  shortestStep: 4,
  longestStep: 6,
  batchStep: 10,
  batches: [1, 100, 10_000],
  isThorough: false,
  coldStarts: 2,
};

export interface Settings extends Choice {
  /** The command line as it was given, to repeat it. */
  arguments: string[];
  comparison: Comparison;
  /** The servers file that is only to be written. */
  init?: string;
  /** Whether each case is only asked once, to see that the answers are right. */
  check: boolean;
  local: boolean;
  quick: boolean;
  keep: boolean;
  experiments: ExperimentName[];
  pace: Pace;
  /** The bounds of latency whose rates `sweep` finds. */
  within: Bound[];
  /** Pods of the load generator that send beside its own, which then only commands; 0 if it sends itself. */
  workers: number;
  seed: number;
  /** The namespace to work in, which exists; by default the command makes one, and removes it. */
  namespace?: string;
  /** `key=value` for Helm, by server, and for `loadtest`. */
  set: Partial<Record<string, string[]>>;
  /** Files of values for Helm, likewise. */
  values: Partial<Record<string, string[]>>;
  /** What a reader must know of this run; an empty line begins a new paragraph. */
  note?: string;
  /** Folder in which a run makes its own. */
  results: string;
}
