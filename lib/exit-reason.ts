// Says in words how a process or a container ended.

import { constants } from 'node:os';

/** How it ended, as Kubernetes describes a terminated container. */
export interface Ending {
  /** For a process that a signal ended: 128 plus the number of the signal. */
  exitCode: number;
  /** What the kubelet makes of it, such as `Error` or `OOMKilled`. */
  reason?: string;
  /** What the program itself left. */
  message?: string | undefined;
}

const { SIGKILL, SIGTERM } = constants.signals;
const BY_SIGNAL: Readonly<Record<number, string>> = {
  [128 + SIGKILL]: 'was killed by SIGKILL, as also happens when a machine runs out of memory',
  [128 + SIGTERM]: 'was ended from outside by SIGTERM',
};

/** Returns the rest of a sentence that begins with what ended. */
export function describeEnding({ exitCode, reason, message = '' }: Ending): string {
  const said = message.trim();
  // This reason comes with another exit code where only a child of the main process was killed.
  const how = reason === 'OOMKilled' ? 'was killed for lack of memory' : BY_SIGNAL[exitCode];
  if (how) return `${how} (exit code ${exitCode}${reason ? `, ${reason}` : ''}).${said && ` It said: ${said}`}`;
  return `ended with exit code ${exitCode}: ${said === '' ? (reason ?? 'no reason is known.') : said}`;
}
