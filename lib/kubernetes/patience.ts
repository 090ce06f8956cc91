// Runs kubectl and Helm with patience for an API server that is away for a while.

import { Failure } from '../failure.ts';
import type { Shell } from '../shell.ts';
import type { Kubernetes } from './api.ts';

/** What kubectl and Helm print while it is not there. */
const NOT_REACHED = /cluster unreachable|connection refused|was refused|TLS handshake timeout|unexpected EOF/i;

/** Makes a shell whose kubectl and Helm wait, too, for an API server that was there before. */
export function patientShell(shell: Shell, api: Pick<Kubernetes, 'hasAnswered' | 'untilThere'>): Shell {
  return {
    ...shell,
    run: (program, args, options) =>
      api.untilThere(shell, async () => {
        try {
          return await shell.run(program, args, options);
        } catch (error) {
          // Where the API server can't reach a kubelet, it is there itself, and says so.
          const isAway =
            error instanceof Failure && NOT_REACHED.test(error.details) && !error.details.includes('Error from server');
          if (!isAway || !api.hasAnswered) throw error;
          return undefined;
        }
      }),
  };
}
