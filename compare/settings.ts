// The settings of a run, which its command line gives.

import type { Choice } from '../lib/kubernetes/connection.ts';
import type { Chart } from '../lib/project.ts';
import type { ExperimentName, Interface } from '../results/files.ts';

/** How long and how often each thing is measured; all times are in seconds. */
export interface Pace {
  trials: number;
  /** time of the run with the autoscaler */
  runTime: number;
  /** first seconds of every step, which are not measured */
  settle: number;
  /** time of the load that warms up caches and compilers, once for each target */
  warmUp: number;
  /** time of the closed loop against the bare server, once for each form of request */
  calibrate: number;
  /** time for each number of users, at least */
  capacityStep: number;
  /** by how much that number rises from one load to the next */
  usersFactor: number;
  /** time of the fixed rate; the p99 of 100 requests/s has an interval from 100 s on */
  latency: number;
  /** time for each batch size */
  batchStep: number;
  /** values in a request of `batch` */
  batches: readonly number[];
  /** whether `latency` also measures how much of it is the load generator's own */
  floor: boolean;
  /** times that each target is started */
  coldStarts: number;
}

export const FULL: Pace = {
  trials: 3,
  runTime: 180,
  settle: 5,
  warmUp: 20,
  calibrate: 20,
  capacityStep: 15,
  usersFactor: 4,
  latency: 100,
  batchStep: 12,
  batches: [1, 10, 100, 1000, 10_000],
  floor: true,
  coldStarts: 10,
};

export const QUICK: Pace = {
  trials: 1,
  runTime: 48,
  settle: 2,
  warmUp: 5,
  calibrate: 6,
  capacityStep: 6,
  usersFactor: 64,
  latency: 15,
  batchStep: 6,
  batches: [1, 100, 10_000],
  floor: false,
  coldStarts: 2,
};

export interface Settings extends Choice {
  /** The command line as it was given, to repeat it. */
  arguments: string[];
  local: boolean;
  quick: boolean;
  keep: boolean;
  experiments: ExperimentName[];
  pace: Pace;
  /** Most users of any load. */
  users: number;
  /** CPU limit of the one replica in `capacity`, `batch` and `coldstart`, as Kubernetes writes it. */
  cpuLimit: string;
  seed: number;
  /** The namespace to work in, which exists; by default the command makes one, and removes it. */
  namespace?: string;
  /** `key=value` for Helm, by chart. */
  set: Record<Chart, string[]>;
  /** Files of values for Helm, by chart. */
  values: Record<Chart, string[]>;
  /** Targets that run elsewhere. */
  urls: Partial<Record<Interface, string>>;
  /** What a reader must know of this run; an empty line begins a new paragraph. */
  note?: string;
  /** Folder in which a run makes its own. */
  results: string;
}
