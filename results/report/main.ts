// The command line of `npm run report`.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { ResultsError } from '../read.ts';
import { checkComparable } from './comparable-runs.ts';
import { composeSideBySide, composeReport } from './compose.ts';
import type { Document } from './document.ts';
import { words } from './format.ts';
import { toHtml } from './html.ts';
import { readMeasurements } from './measurements.ts';
import { toPdf } from './pdf.ts';
import { summarySvg } from './summary-svg.ts';
import { summaryCsv, summaryJson } from './summary.ts';
import { measuredTargets } from './targets.ts';

const EXIT_CODES = { BROKEN: 1, WRONG_USE: 2 };

const EXAMPLES = `
Examples:
  npm run report -- results/2026-01-31T12-00-00
  npm run report -- results/2026-01-31T12-00-00 --targets go,fastapi --output /tmp
  npm run report -- results/2026-01-31T12-00-00 --node-price 0.05 --node-cpus 1
  npm run report -- --compare results/2026-01-31T12-00-00 results/2026-02-01T12-00-00

Exit codes: 0 written; 1 a file of the results is missing or broken, or the runs are not alike; 2 wrong use.`;

interface Options {
  compare?: string[];
  allowUnlike?: boolean;
  nodePrice: number;
  nodeCpus: number;
  output?: string;
  targets?: string[];
  baseline?: string;
}

const program = new Command('npm run report --')
  .description(
    'Turns the results of npm run compare into report.pdf, report.html, summary.csv, summary.json and summary.svg ' +
      '(the chart of the first page as a picture). The same results give the same bytes.',
  )
  .argument('[folder]', 'the results of a run')
  .option('--targets <keys>', 'compare only these targets, such as go,fastapi; the first is the baseline', keysIn)
  .option('--baseline <key>', 'the target that the others are compared with (default: the one of the run)')
  .option('--compare <folders...>', 'two runs side by side: comparison.pdf and comparison.html')
  .option('--allow-unlike', 'compare runs even if their machines, versions or options differ')
  // On-demand price of an AWS m6i.xlarge with 4 CPUs in us-east-1.
  .option('--node-price <dollars>', 'price of a node per hour, in US dollars', positive, 0.192)
  .option('--node-cpus <n>', 'CPUs of that node', positive, 4)
  .option(
    '--output <folder>',
    'where to write (default: the folder of the run; with --compare, that of the second run)',
  )
  .allowExcessArguments(false)
  .addHelpText('after', EXAMPLES)
  .exitOverride();

async function main(): Promise<void> {
  program.parse();
  const { compare, allowUnlike = false, nodePrice, nodeCpus, output, ...choice } = program.opts<Options>();
  const [folder] = program.args;
  if (compare) {
    const [one, other] = compare;
    if (
      one === undefined ||
      other === undefined ||
      compare.length > 2 ||
      folder !== undefined ||
      choice.targets ||
      choice.baseline
    ) {
      return program.error('--compare takes the folders of two runs, and nothing else.');
    }
    const runs = [readMeasurements(one), readMeasurements(other)] as const;
    if (!allowUnlike) checkComparable(...runs);
    const document = await composeSideBySide(...runs);
    write(output ?? other, { 'comparison.pdf': setPdf(document), 'comparison.html': toHtml(document) });
    return;
  }
  if (folder === undefined)
    return program.error('The folder of a run is missing, such as results/2026-01-31T12-00-00.');
  const measurements = readMeasurements(folder);
  const known = measuredTargets(measurements);
  const unknown = [...(choice.targets ?? []), choice.baseline ?? known[0] ?? ''].find((key) => !known.includes(key));
  if (unknown !== undefined) return program.error(`${folder} has no target ${unknown}; it has ${words(known)}.`);
  const report = await composeReport(measurements, { dollarsPerHour: nodePrice, cpus: nodeCpus }, choice);
  write(output ?? folder, {
    'report.pdf': setPdf(report.document),
    'report.html': toHtml(report.document),
    'summary.csv': summaryCsv(report),
    'summary.json': summaryJson(report),
    'summary.svg': await summarySvg(report),
  });
}

/** The bytes; a warning about them is printed. */
function setPdf(document: Document): Buffer {
  const { bytes, warning } = toPdf(document);
  if (warning !== undefined)
    console.error(`The PDF: ${warning} The page for browsers shows them, if yours has fonts for them.`);
  return bytes;
}

function write(folder: string, files: Record<string, string | Buffer>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    writeFileSync(path, content);
    console.log(path);
  }
}

function keysIn(text: string): string[] {
  return text.split(',').map((key) => key.trim());
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('A number above 0 is wanted.');
  return value;
}

try {
  await main();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode && EXIT_CODES.WRONG_USE;
  else if (error instanceof ResultsError) {
    console.error(error.message);
    process.exitCode = EXIT_CODES.BROKEN;
  } else throw error;
}
