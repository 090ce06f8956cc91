// Programs and waiting, both of which end when the run is interrupted.

import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa, ExecaError } from 'execa';
import pWaitFor from 'p-wait-for';
import { CompareError } from './place.ts';

export interface Shell {
  /** Aborted when the run is interrupted. */
  readonly signal: AbortSignal;
  /**
   * Runs a program to its end.
   * @returns what it printed
   * @throws CompareError with what it said
   */
  run: (program: string, args: readonly string[], input?: string) => Promise<string>;
  sleep: (milliseconds: number) => Promise<void>;
  /**
   * Asks every so often until there is an answer.
   * @throws CompareError after so many seconds
   */
  until<T>(what: string, seconds: number, ask: () => Promise<T | undefined>, everyMs?: number): Promise<T>;
}

export function openShell(signal: AbortSignal): Shell {
  // Whatever is under way listens to it.
  setMaxListeners(0, signal);
  return {
    signal,
    async run(program, args, input = '') {
      try {
        // The child gets a process group of its own: Ctrl-C then reaches only this process, which ends the others in order.
        const options = { input, cancelSignal: signal, detached: true, maxBuffer: 2 ** 28 };
        return (await execa(program, args, options)).stdout;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ExecaError)) throw error;
        const isMissing = error.code === 'ENOENT';
        const command = `${program} ${args.join(' ')}`;
        throw new CompareError(
          isMissing ? `${program} is not installed, or not on the path.` : `This failed: ${command}`,
          // Some programs, such as Docker's older builder, tell the cause on stdout.
          [error.stdout, error.stderr].filter(Boolean).join('\n'),
        );
      }
    },
    sleep: (milliseconds) => sleep(milliseconds, undefined, { signal }),
    until(what, seconds, ask, everyMs = 500) {
      const message = new CompareError(`${what}: not within ${seconds} s.`);
      return pWaitFor(
        async () => {
          const answer = await ask();
          return answer !== undefined && pWaitFor.resolveWith(answer);
        },
        { interval: everyMs, signal, timeout: { milliseconds: seconds * 1000, message } },
      );
    },
  };
}
