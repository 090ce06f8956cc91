// The bare server answers as the servers did, and does nothing for it: each interface at a port of its own replays one
// real answer. How it is told what to replay is defined here.

import { join } from 'node:path';
import type { Interface } from '../../results/files.ts';
import type { theRightOne } from './check.ts';

/** The first case of each interface, as the load generator asked it, and the answer that came. */
export type Recordings = ReadonlyMap<Interface, Recorded>;
export type Recorded = ReturnType<typeof theRightOne>;

/** The program of the bare server, which takes `REPLAYS` from its environment. */
export const BARE_SERVER_CODE = join(import.meta.dirname, '../programs/bare-server.cjs');
const FIRST_PORT = 8080;

/** What the program is given: the answers, each at a port. */
export function replaysOf(
  recordings: Recordings,
  portOf = (target: Interface) => replayPort(recordings, target),
): ({ port: number } & Recorded['answer'])[] {
  return [...recordings].map(([target, { answer }]) => ({ port: portOf(target), ...answer }));
}

/** The port at which the bare server replays an interface. */
export function replayPort(recordings: Recordings, target: Interface): number {
  return FIRST_PORT + [...recordings.keys()].indexOf(target);
}
