// Defines what the experiments need from the place where they run, which is a cluster or this machine.

import type { Environment, Interface, Row, Server } from '../results/files.ts';
import type { Files } from './run/files.ts';
import type { Check } from './servers/check.ts';

/** A part of a load with constant settings. Without a rate, each user sends again after each answer (closed loop). */
export interface Step {
  seconds: number;
  users: number;
  /** Requests/s of all users together. */
  rate?: number;
  /** Values in each request. */
  batch?: number;
}

/** One run of the load generator. */
export interface Load {
  /** The target, which also defines the form of the requests. */
  target: Interface;
  steps: Step[];
  /** How many seconds at the start of each step are not measured. */
  settleSeconds: number;
  /** The seed of the cases that are drawn, and of the instants at which requests are sent. */
  seed: number;
  /** Requests at an offered rate come in an even row, as few clients send; by default they come at random. */
  arrivals?: 'even';
  /** Whether to send the requests to the bare server instead of the target. */
  toBareServer?: boolean;
}

/** How many replicas a server has: one, or as many as its autoscaler wants. */
export type Scaling = 'one' | 'auto';

/** The rows of the files about a server's replicas; none where they can't be read. */
export interface Samples {
  timeline: Row<'timeline'>[];
  pods: Row<'pods'>[];
  throttling: Row<'throttling'>[];
  /** A sentence for each time that the server ended meanwhile, though it should not have. */
  endings: string[];
}

/** Takes samples of a server until it is stopped. */
export interface Watch {
  stop: () => Promise<Samples>;
}

export interface Place {
  /** The interfaces that can be asked from here. */
  readonly interfaces: readonly Interface[];
  /** The servers that this place runs, so that it can scale, watch and start them. Of others only a URL is known. */
  readonly servers: readonly Server[];
  /** A sentence for each thing that can't be measured here, with the reason. */
  readonly leftOut: readonly string[];
  /** Whether servers can have more than one replica here. */
  readonly scales: boolean;
  /** How few and how many replicas the autoscaler of each server may ask for, where that is known. */
  readonly replicas?: { readonly min: number; readonly max: number } | undefined;
  /** CPUs that the servers and the load generator share. */
  readonly cpus: number;
  /**
   * Gets the server of a target ready for a load: scaled, with the same resources as the others, and with an autoscaler
   * that starts from one idle replica.
   * @param warmUp what warms up the target, which is called if its replica is a new one
   */
  prepare(target: Interface, scaling: Scaling, warmUp: () => Promise<void>): Promise<void>;
  /** Asks a target all cases once, and several in one request, if it takes them. */
  check(target: Interface): Promise<Check[]>;
  /** @returns the files that the load generator wrote, unchanged */
  load(load: Load): Promise<Files>;
  watch(server: Server): Watch;
  /** Whether the first answer of a server can be timed here: of its first interface, by HTTP. */
  startsCold(server: Server): boolean;
  /** Ends the only replica of a server, starts a new one, and times it to the first answer of its first interface. */
  coldStart(server: Server): Promise<Omit<Row<'coldstarts'>, 'start'>>;
  /**
   * Asks the baseline's server on Knative when it has no replica. It is undefined where that does not run on Knative.
   * @returns milliseconds from the request to its right answer
   */
  readonly scaleFromZero?: (() => Promise<number>) | undefined;
  /** Returns the size of a server's image in bytes, or null if it is not known. */
  imageBytes(server: Server): Promise<number | null>;
  /** Returns the memory that a server's replicas use now, in bytes, from a sample taken after this call. */
  memoryBytes(server: Server): Promise<number | null>;
  /** The nodes that pods ran on so far, as environment.json has them. */
  readonly pods: Environment['pods'];
  /** Describes the machines, and what runs on them. */
  environment(): Promise<Pick<Environment, 'kubernetes' | 'servers' | 'loadGenerator' | 'clock'>>;
  /** Removes everything that was set up here. You can call it at any time, and more than once. */
  close(): Promise<void>;
}
