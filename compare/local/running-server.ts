// A server that runs on this machine, as a process or in a container.

import type { Interface } from '../../results/files.ts';
import type { Usage } from './engine.ts';

/** A server that runs on this machine. */
export interface RunningServer {
  /** Returns its address for an interface. */
  url: (target: Interface) => string;
  /** The process or the container that serves, as files call it. */
  name: string;
  /** Reads what it uses, as its own machine counts it; undefined where that can't be known. */
  usage: () => Promise<Usage | undefined>;
  /** How it ended, as the rest of a sentence, with the end of its log; undefined while it runs. */
  ending: () => string | undefined;
  /** Aborted when it has ended. */
  ended: AbortSignal;
  /** The last line of its log. */
  lastLine: () => Promise<string>;
  /** Returns when it has ended; can be called more than once. */
  stop: () => Promise<void>;
}

/** How many lines of a log tell why a server has ended. */
export const LINES = 20;
