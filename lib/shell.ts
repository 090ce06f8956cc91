// Runs programs and waits for conditions. Both end when the run is interrupted.

import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa, ExecaError } from 'execa';
import pWaitFor from 'p-wait-for';
import { Failure } from './failure.ts';

export interface RunOptions {
  input?: string;
  env?: Readonly<Partial<Record<string, string>>>;
  /** The folder that it works in. */
  cwd?: string;
}

export interface Shell {
  /** Aborted when the run is interrupted. */
  readonly signal: AbortSignal;
  /**
   * Runs a program to its end.
   * @param options what it reads on its standard input, and variables beside those of the environment
   * @returns what it printed
   * @throws Failure with the output, if the program fails
   */
  run: (program: string, args: readonly string[], options?: RunOptions) => Promise<string>;
  sleep: (milliseconds: number) => Promise<void>;
  /**
   * Asks again and again until there is an answer.
   * @param what the sentence that should become true, for the error
   * @throws Failure if there is no answer within the given time
   */
  until<T>(what: string, seconds: number, ask: () => Promise<T | undefined>, everyMs?: number): Promise<T>;
}

/** Git's own variables win over the folder that it is told to work in, and are set in its hooks, for example. */
const ELSEWHERE = { GIT_DIR: undefined, GIT_WORK_TREE: undefined, GIT_INDEX_FILE: undefined };

export function openShell(signal: AbortSignal): Shell {
  // Everything under way listens to this signal, so Node's warning about many listeners would be wrong.
  setMaxListeners(0, signal);
  return {
    signal,
    async run(program, args, { input = '', env = {}, cwd } = {}) {
      try {
        // The child gets a process group of its own: Ctrl-C then reaches only this process, which ends the others in order.
        const options = {
          input,
          env: { ...ELSEWHERE, ...env },
          ...(cwd !== undefined && { cwd }),
          cancelSignal: signal,
          detached: true,
          maxBuffer: 2 ** 28,
        };
        return (await execa(program, args, options)).stdout;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ExecaError)) throw error;
        const isMissing = error.code === 'ENOENT';
        const command = `${program} ${args.join(' ')}`;
        throw new Failure(
          isMissing ? `${program} is not installed, or not on the path.` : `This failed: ${command}`,
          // Some programs, such as Docker's older builder, print the cause on stdout. A killed one often prints none.
          [error.stdout, error.stderr, error.signal && `It was ended by ${error.signal}.`].filter(Boolean).join('\n'),
        );
      }
    },
    sleep: (milliseconds) => sleep(milliseconds, undefined, { signal }),
    until(what, seconds, ask, everyMs = 500) {
      const message = new Failure(`${what}: not within ${seconds} s.`);
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
