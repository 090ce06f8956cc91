// How every long command of this project starts and ends: its options are read first, and Ctrl-C ends it in order.

import { CommanderError } from 'commander';
import { Failure } from './failure.ts';
import { onStopSignal } from '../function/src/signals.ts';

export const INTERRUPTED = 130;
const WRONG_USE = 2;

/**
 * Runs a command with the options on its command line, and sets the exit code. A first Ctrl-C, or SIGTERM, aborts the
 * signal that the command gets; a second one ends the process at once.
 * @param readOptions throws CommanderError after --help and on wrong use, once it has printed why, and Failure if a file that
 *   an option names is wrong
 * @param onInterrupt what the command does when it is interrupted, in a sentence without an end, such as `it cleans up`
 * @param run returns the exit code
 */
export async function runCommand<Options>(
  readOptions: (argv: string[]) => Options,
  onInterrupt: string,
  run: (options: Options, interruption: AbortSignal) => Promise<number>,
): Promise<void> {
  const interruption = new AbortController();
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    if (error instanceof Failure) console.error(error.message);
    else if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error instanceof CommanderError ? error.exitCode : WRONG_USE;
    return;
  }
  onStopSignal(
    () => {
      console.error(`\nInterrupted: ${onInterrupt}. Once more leaves everything as it is.`);
      interruption.abort();
    },
    () => process.exit(INTERRUPTED),
  );
  process.exitCode = await run(options, interruption.signal);
}
