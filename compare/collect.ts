// The command line of `npm run collect`: extracts the results of one load test from the log of its pod.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Command } from 'commander';
import { Failure } from '../lib/failure.ts';
import { fileName, whatIs, type Kind } from '../results/files.ts';
import { read, ResultsError } from '../results/read.ts';
import { whyFailed } from './experiments/verdicts.ts';
import { unpack } from './run/archive.ts';
import type { Files } from './run/files.ts';

const EXIT_CODES = { VALID: 0, BROKEN: 1, WRONG_USE: 2, INVALID: 3 };

const EXAMPLES = `
Examples:
  kubectl logs job/<name> | npm run --silent collect -- results/by-hand
  npm run --silent collect -- results/by-hand < saved.log

Exit codes: 0 the results are VALID, 3 the results are INVALID, 1 the archive is broken or missing, 2 wrong use.`;

const command = new Command('npm run collect --')
  .description(
    'Reads the log of a load test from standard input, checks that the results are complete, and writes them to files.',
  )
  .argument('<folder>', 'the folder for the results, made if it is missing; existing files are not overwritten')
  .allowExcessArguments(false)
  .addHelpText('after', EXAMPLES)
  .exitOverride(({ exitCode }) => process.exit(exitCode && EXIT_CODES.WRONG_USE));
const [folder = ''] = command.parse().args;
if (process.stdin.isTTY) command.error('error: the log is read from standard input; --help has examples');

try {
  process.exitCode = EXIT_CODES[await collect(decode(await buffer(process.stdin)))];
} catch (error) {
  if (!(error instanceof Failure || error instanceof ResultsError)) throw error;
  console.error(error.message);
  process.exitCode = EXIT_CODES.BROKEN;
}

/** Writes the files, prints the verdict and their names, and returns the verdict. */
async function collect(log: string) {
  const { target, files } = await unpack(log);
  write(files);
  const pathOf = (kind: Kind) => join(folder, fileName(target, kind));
  // The checksum proves that the files are as they were packed. Their readers check whether the content is right.
  for (const name of files.keys()) {
    const { kind } = whatIs(name) ?? {};
    if (kind) read(kind, join(folder, name));
  }
  const { verdict, reasons, requests, failures, seconds, throughput } = read('verdict', pathOf('verdict'));
  const figures = `${requests} requests in ${seconds} s, ${throughput.toFixed(1)}/s, ${failures} failed${failures > 0 ? whyFailed(files, target) : ''}`;
  console.log(`${verdict} ${target}: ${verdict === 'VALID' ? figures : reasons.join('; ')}`);
  for (const [name, { length }] of files) console.log(`${join(folder, name)} ${length} bytes`);
  return verdict;
}

/** Decodes a log in UTF-8, or in UTF-16 with a byte order mark, in which PowerShell saves what a program prints. */
function decode(bytes: Buffer): string {
  const encodings: Record<string, string> = { fffe: 'utf-16le', feff: 'utf-16be' };
  return new TextDecoder(encodings[bytes.toString('hex', 0, 2)]).decode(bytes);
}

function write(files: Files): void {
  const there = [...files.keys()].map((name) => join(folder, name)).filter((path) => existsSync(path));
  if (there.length > 0) command.error(`error: already there: ${there.join(', ')}; give another folder`);
  try {
    mkdirSync(folder, { recursive: true });
    for (const [name, content] of files) writeFileSync(join(folder, name), content, { flag: 'wx' });
  } catch (error) {
    command.error(`error: ${folder} can't be written: ${(error as Error).message}`);
  }
}
