// The command line of `npm run compare`: opens a place, runs the experiments there, and cleans up, whatever happens.

import { INTERRUPTED, runCommand } from '../lib/command.ts';
import { Failure } from '../lib/failure.ts';
import { startProgress } from '../lib/progress.ts';
import { openShell } from '../lib/shell.ts';
import { ResultsError } from '../results/read.ts';
import { openCluster } from './cluster/cluster.ts';
import { checkTargets } from './check.ts';
import { beginEnvironment } from './environment.ts';
import { runExperiments } from './experiments/index.ts';
import { openLocal } from './local/local.ts';
import { readOptions } from './options.ts';
import type { Place } from './place.ts';
import { openFolder, type ResultsFolder } from './run/folder.ts';
import { initServersFile } from './servers/init.ts';
import type { Settings } from './settings.ts';

const EXIT_CODES = { VALID: 0, BROKEN: 1, INVALID: 3, INTERRUPTED };

async function compare(settings: Settings, interruption: AbortSignal): Promise<number> {
  if (settings.init !== undefined) return initServersFile(settings.init) ? EXIT_CODES.VALID : EXIT_CODES.BROKEN;
  const shell = openShell(interruption);
  const progress = startProgress();
  let opened: Place | undefined;
  let folder: ResultsFolder | undefined;
  try {
    progress.begin(settings.local ? 'setting up on this machine' : 'setting up in the cluster');
    const place = await (settings.local ? openLocal : openCluster)(settings, shell, progress.say);
    opened = place;
    for (const sentence of place.leftOut) progress.say(`Left out: ${sentence}`, 'warning');
    if (settings.check) {
      return (await checkTargets(place, settings.comparison, progress)) ? EXIT_CODES.VALID : EXIT_CODES.INVALID;
    }
    folder = openFolder(settings.results, await beginEnvironment(settings, shell, place));
    await runExperiments({ place, settings, progress, folder });
    folder.finish();
    const isValid = folder.verdicts.every(({ verdict }) => verdict === 'VALID');
    return isValid ? EXIT_CODES.VALID : EXIT_CODES.INVALID;
  } catch (error) {
    const { step } = progress;
    if (interruption.aborted) {
      progress.say(`Interrupted in this step: ${step}`, 'warning');
      return EXIT_CODES.INTERRUPTED;
    }
    if (!(error instanceof Failure || error instanceof ResultsError)) throw error;
    if (error instanceof Failure && error.details) console.error(`\n${error.details}\n`);
    progress.say(`Failed in this step: ${step}. ${error.message}`, 'failure');
    return EXIT_CODES.BROKEN;
  } finally {
    // The estimate was that of what is no longer measured.
    progress.expect(0);
    progress.begin('cleaning up');
    await opened?.close();
    progress.end();
    if (folder && !folder.isEmpty) {
      console.error(`\`npm run report -- ${folder.path}\` makes a report of it.`);
      console.log(folder.path);
    } else if (!settings.check) console.error('Nothing was measured.');
  }
}

await runCommand(readOptions, 'it cleans up, and keeps what was measured', compare);
