// The command line of `npm run cluster`: brings up a cluster with everything that `npm run compare` needs.

import { INTERRUPTED, runCommand } from '../lib/command.ts';
import { Failure } from '../lib/failure.ts';
import { startProgress } from '../lib/progress.ts';
import { openShell } from '../lib/shell.ts';
import { useCurrent } from './current.ts';
import { useKind } from './kind.ts';
import { readOptions, type Options } from './options.ts';

const EXIT_CODES = { READY: 0, BROKEN: 1, INTERRUPTED };

async function cluster(options: Options, interruption: AbortSignal): Promise<number> {
  const progress = startProgress();
  try {
    const next = await (options.current ? useCurrent : useKind)(options, openShell(interruption), progress);
    progress.say('The cluster is ready. Next:');
    progress.end();
    console.log(next);
    return EXIT_CODES.READY;
  } catch (error) {
    const { step } = progress;
    if (interruption.aborted) {
      progress.say(`Interrupted in this step: ${step}. The next run goes on from there.`, 'warning');
      return EXIT_CODES.INTERRUPTED;
    }
    if (!(error instanceof Failure)) throw error;
    if (error.details) console.error(`\n${error.details}\n`);
    progress.say(`Failed in this step: ${step}. ${error.message}`, 'failure');
    return EXIT_CODES.BROKEN;
  } finally {
    progress.end();
  }
}

await runCommand(readOptions, 'it ends what is under way', cluster);
