// What the experiments need of the place where they run: a cluster, or this machine.

import type { Environment, Row, Target } from '../../results/files.ts';

/** A part of a load during which nothing of it changes. Without a rate, users ask again at once: the closed loop. */
export interface Step {
  seconds: number;
  users: number;
  /** requests/s of all users together */
  rate?: number;
  /** values a request */
  batch?: number;
}

/** What one run of the load generator does. */
export interface Load {
  /** Whose requests are sent. */
  target: Target;
  steps: Step[];
  /** The first seconds of every step, which are not measured. */
  settleSeconds: number;
  /** End when throughput stops rising from step to step. */
  untilSaturated?: boolean;
  /** Send them to the bare static server in place of the target. */
  toStaticServer?: boolean;
}

/** Files of a results folder by their names. */
export type Files = Map<string, Buffer>;

/** How many replicas a target has: one of a fixed CPU limit, or as many as its autoscaler wants. */
export type Scaling = 'one' | 'auto';

/** Samples of a target, taken until it is stopped. */
export interface Watch {
  stop: () => Promise<{ timeline: Row<'timeline'>[]; pods: Row<'pods'>[] }>;
}

export interface Place {
  /** The targets that run here, or are reachable from here. */
  readonly targets: readonly Target[];
  /** What can't be measured here, and why: a sentence each. */
  readonly leftOut: readonly string[];
  /** Whether a target is run here, so that it can be scaled, watched and started; it is not where only its URL is known. */
  controls(target: Target): boolean;
  /** Whether targets can have more than one replica here. */
  readonly scales: boolean;
  /**
   * Gets a target ready for a load: scaled, and with the same resources as the other one.
   * @returns whether its replicas are new, so that they need a warm-up
   */
  prepare(target: Target, scaling: Scaling): Promise<boolean>;
  /** @returns what the generator left, as it left it */
  load(load: Load): Promise<Files>;
  watch(target: Target): Watch;
  /** Ends a target's only replica, starts a new one, and times it. */
  coldStart(target: Target): Promise<Omit<Row<'coldstarts'>, 'start'>>;
  /** Bytes of a target's image; null where they aren't known. */
  imageBytes(target: Target): Promise<number | null>;
  /** Bytes of memory that a target's replicas use now, by news from after this call. */
  memoryBytes(target: Target): Promise<number | null>;
  /** What is known now of the machines, and of what runs on them. */
  environment(): Promise<Pick<Environment, 'kubernetes' | 'images' | 'resources' | 'charts' | 'clock'>>;
  /** Removes all that was set up here; can be called at any time, more than once. */
  close(): Promise<void>;
}

/** A failure that is told to the user as it is, without a stack trace. */
export class CompareError extends Error {
  /** What the cluster or the program said about it, over several lines. */
  readonly details: string;

  constructor(message: string, details = '') {
    super(message);
    this.details = details;
  }
}
