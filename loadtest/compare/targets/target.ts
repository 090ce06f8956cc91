// Defines what the command knows about a target.

import type { Chart } from '../options.ts';

export interface TargetDefinition {
  /** What sentences call it. */
  readonly name: string;
  /** Its chart, as --set calls it; two targets may share one. */
  readonly chart: Exclude<Chart, 'loadtest'>;
  /** The name of the port at which it answers, in its Service and in its pods. */
  readonly portName: string;
  /** One conversion, which checks that it answers, and that the answer is right. */
  readonly question: {
    readonly path: string;
    readonly options: {
      readonly method: string;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    };
    readonly isAnswer: (body: unknown) => boolean;
  };
  /** Its image for this machine: the environment variable that names another one, where it is built, and its port. */
  readonly image: {
    readonly variable: string;
    readonly repository: string;
    readonly folder: string;
    readonly port: number;
  };
  /** Prints the description of the CPU in its pod, by programs that its image has. */
  readonly readCpu: readonly string[];
}
