// The command line of `npm run cluster`: brings up a cluster with everything that `npm run compare` needs.

import { CommanderError } from 'commander';
import { CompareError } from '../loadtest/compare/place.ts';
import { startProgress } from '../loadtest/compare/progress.ts';
import { openShell } from '../loadtest/compare/shell.ts';
import { useCurrent } from './current.ts';
import { useKind } from './kind.ts';
import { readOptions, type Options } from './options.ts';

const EXIT_CODES = { READY: 0, BROKEN: 1, INTERRUPTED: 130 };

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
    if (!(error instanceof CompareError)) throw error;
    if (error.details) console.error(`\n${error.details}\n`);
    progress.say(`Failed in this step: ${step}. ${error.message}`, 'failure');
    return EXIT_CODES.BROKEN;
  } finally {
    progress.end();
  }
}

function main(): void {
  const interruption = new AbortController();
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode;
    return;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interruption.signal.aborted) process.exit(EXIT_CODES.INTERRUPTED);
      console.error('\nInterrupted: it ends what is under way. Once more leaves everything as it is.');
      interruption.abort();
    });
  }
  void cluster(options, interruption.signal).then((code) => {
    process.exitCode = code;
  });
}

main();
