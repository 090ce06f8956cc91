// Defines what the command knows about a target.

import type { Chart } from '../../lib/project.ts';

export type TargetChart = Exclude<Chart, 'loadtest'>;

/** A conversion by HTTP, which checks that a target answers, and that the answer is right. */
export interface HttpQuestion {
  readonly path: string;
  readonly options: {
    readonly method: string;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly isAnswer: (body: unknown) => boolean;
}

/** What answers on one or several ports, each of which is a target. */
export interface ServerDefinition {
  /** Its chart, as --set calls it. */
  readonly chart: TargetChart;
  /** Its image for this machine: the environment variable that names another one, and where it is built. */
  readonly image: {
    readonly variable: string;
    readonly repository: string;
    readonly folder: string;
  };
  /** Prints the description of the CPU in its pod, by programs that its image has. */
  readonly readCpu: readonly string[];
}

export interface TargetDefinition extends ServerDefinition {
  /** What sentences call it. */
  readonly name: string;
  /** The name of the port at which it answers, in its Service, in its pods, and in the Service of the bare server. */
  readonly portName: 'http' | 'grpc';
  /** The same port of its container on this machine. */
  readonly port: number;
  /** How it is asked: by HTTP, or else by a function which says whether it gives the right answer at a URL. */
  readonly question: HttpQuestion | ((url: string) => Promise<boolean>);
}
