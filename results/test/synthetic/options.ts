// What a SYNTHETIC run is made of: what can be asked for, and what is true of the targets in it.

import { EXPERIMENT_NAMES, type ExperimentName } from '../../../loadtest/compare/experiments/index.ts';
import { TARGETS, type Environment, type Target } from '../../files.ts';

/** What is true of one target. */
export interface Truth {
  /** Requests/s of one replica at the CPU limit `CPU_LIMIT`. */
  capacity: number;
  /** CPU of a request with one value, µs. */
  cpuMicroseconds: number;
  /** Lognormal, from the sending of a request, µs: at the load of the latency experiment. */
  latencyMicroseconds: { median: number; sigma: number };
  /** Median, from the pod's creation to its own first answer. */
  coldStartMs: number;
  imageBytes: number;
  memoryIdleBytes: number;
  memoryLoadedBytes: number;
  /** Share of requests that fail. */
  failureShare: number;
}

export interface Synthetic {
  trials: number;
  seed: number;
  /** Relative standard deviation between trials, lognormal with median 1: of capacities, of latencies, and of CPU. */
  trialSpread: number;
  experiments: readonly ExperimentName[];
  targets: readonly Target[];
  truths: Record<Target, Truth>;
  /** Loads that are to be INVALID, and why: a sentence each. */
  invalid: { experiment: string; trial: number; target: Target; reason: string }[];
  quick: boolean;
  mode: Environment['mode'];
}

export const DEFAULTS: Synthetic = {
  trials: 3,
  seed: 1,
  trialSpread: 0.03,
  experiments: EXPERIMENT_NAMES,
  targets: TARGETS,
  truths: {
    function: {
      capacity: 3400,
      cpuMicroseconds: 55,
      latencyMicroseconds: { median: 1100, sigma: 0.35 },
      coldStartMs: 900,
      imageBytes: 148_000_000,
      memoryIdleBytes: 48_000_000,
      memoryLoadedBytes: 76_000_000,
      failureShare: 0,
    },
    tfserving: {
      capacity: 700,
      cpuMicroseconds: 268,
      latencyMicroseconds: { median: 1900, sigma: 0.5 },
      coldStartMs: 2100,
      imageBytes: 505_000_000,
      memoryIdleBytes: 290_000_000,
      memoryLoadedBytes: 318_000_000,
      failureShare: 0.0001,
    },
  },
  invalid: [],
  quick: false,
  mode: 'cluster',
};

/** The CPU limit of the single replica that the truths are about. */
export const CPU_LIMIT = '200m';
