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
  /** Send them to the bare static server in place of the target. */
  toStaticServer?: boolean;
}

/** Files of a results folder by their names. */
export type Files = Map<string, Buffer>;

/** How many replicas a target has: one with the given CPU limit, one with a whole core, or as many as its autoscaler wants. */
export type Scaling = 'one' | 'core' | 'auto';

/** The rows of the files about a target's replicas; none where they can't be read. */
export interface Samples {
  timeline: Row<'timeline'>[];
  pods: Row<'pods'>[];
  throttling: Row<'throttling'>[];
}

/** Takes samples of a target until it is stopped. */
export interface Watch {
  stop: () => Promise<Samples>;
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
  /** Whether each target that is run here is held to a CPU limit, without which it may outrun the load generator. */
  readonly limitsCpu: boolean;
  /** CPUs that the targets and the load generator share. */
  readonly cpus: number;
  /**
   * Gets a target ready for a load: scaled, with the same resources as the other one, and with an autoscaler that starts
   * from one idle replica.
   * @param warmUp what warms up the target's replica, which is called if it is a new one
   */
  prepare(target: Target, scaling: Scaling, warmUp: () => Promise<void>): Promise<void>;
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
