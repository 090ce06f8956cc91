// The command line of `npm run compare`: read, checked, and with a value for everything.

import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { choiceOptions, type Choice } from '../lib/kubernetes/connection.ts';
import { EXPERIMENT_NAMES, type Bound, type ExperimentName } from '../results/files.ts';
import type { Experiment } from './experiments/experiment.ts';
import { EXPERIMENTS, withNeeds } from './experiments/index.ts';
import { RATE_USERS } from './experiments/limits.ts';
import type { Comparison } from './servers/comparison.ts';
import { readServersFile, secondsOf } from './servers/file.ts';
import { FULL, QUICK, type Settings } from './settings.ts';

const HELP = `
Experiments (all of them, unless you name some with --experiment; each runs those that it needs first):
${EXPERIMENTS.map(helpOf).join('\n')}

Examples:
  npm run compare -- --init prices.yaml                    a servers file to start from, for servers of your own
  npm run compare -- --check prices.yaml                   whether they answer rightly
  npm run compare -- --servers prices.yaml                 compare them
  npm run compare                                          everything, in kubectl's current context (under two hours)
  npm run compare -- --quick                               a first impression (a quarter of an hour)
  npm run compare -- --experiment sweep --within 'p99<50ms'   one experiment, with a bound of your own
  npm run compare -- --set function.image.repository=me/f2c-function --set function.image.tag=2.0.0
  npm run compare -- --note-file about-this-cluster.txt    with a note that the report shows
  npm run compare -- --local --quick                       without a cluster
  npm run compare -- --local --tfserving-url http://localhost:8501

Exit codes: 0 everything was measured and is valid; 3 something is INVALID, or answers wrongly; 1 it broke; 2 wrong use; 130 interrupted.`;

/**
 * @throws CommanderError with exit code 2 on wrong use, 0 after --help; the text is printed already
 * @throws Failure with the mistakes in a servers file
 */
export function readOptions(argv: string[]): Settings {
  const [context, kubeconfig] = choiceOptions();
  // Which further options there are depends on the servers.
  const comparison = readServersFile(serversFileIn(argv));
  const charts = chartsOf(comparison);
  const command = new Command('npm run compare --')
    .description(
      'Compares servers under load: the function and TensorFlow Serving, or those of a file. It installs them and the load ' +
        'generator in a new namespace of the cluster that kubectl points to, runs the experiments, brings the results home, ' +
        'and removes the namespace.',
    )
    .addOption(new Option('--servers <file>', 'what to compare, as examples/README.md explains').conflicts('check'))
    .option('--check [file]', 'only ask each case once, show what is wrong, and exit')
    .addOption(new Option('--init <file>', 'write a servers file to start from, and exit'))
    .option('--local', 'run the servers on this machine, without a cluster')
    .option('--quick', 'measure for minutes instead of hours; the report says so')
    .addOption(new Option('--keep', 'leave everything installed at the end').conflicts('local'))
    .addOption(
      new Option('--experiment <name>', 'run only this experiment; can be repeated')
        .argParser(repeated(oneOf(EXPERIMENT_NAMES)))
        .default([], 'all'),
    )
    .option(
      '--trials <n>',
      `number of times each load runs (default: ${FULL.trials}, in sweep ${FULL.sweepTrials}; quick ${QUICK.trials})`,
      whole,
    )
    .option(
      '--run-time <time>',
      `length of the autoscale run, such as 90s or 5m (default: ${FULL.runTime}s, quick ${QUICK.runTime}s)`,
      seconds,
    )
    .addOption(
      new Option(
        '--within <bound>',
        'the highest rate is found at which a latency stays below this, such as p95<5ms; can be repeated',
      )
        .argParser(repeated(bound))
        .default([], 'p99<10ms'),
    )
    .addOption(
      new Option('--workers <n>', 'let n pods of the load generator send together, for a cluster with more room')
        .argParser(workers)
        .default(0, 'its own pod sends')
        .conflicts('local'),
    )
    .addOption(
      new Option('--namespace <name>', 'work in an existing namespace, which needs no rights outside it').conflicts(
        'local',
      ),
    )
    .addOption(context.conflicts('local'))
    .addOption(kubeconfig.conflicts('local'))
    .option('--seed <n>', 'seed for the cases that are drawn, and for the random instants', whole, 1)
    .addOption(
      new Option('--set <chart.key=value>', `set a value of a chart (${charts.join(', ')}); can be repeated`)
        .argParser(repeated(ofChart('.', charts)))
        .conflicts('local')
        .default([], 'none'),
    )
    .addOption(
      new Option('--values <chart=file>', 'values file for a chart; can be repeated')
        .argParser(repeated(ofChart('=', charts)))
        .conflicts('local')
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '--note <text>',
        'a note for readers of the report, such as what is special about the cluster; page 1 shows its first sentence',
      )
        .argParser(note)
        .conflicts('noteFile'),
    )
    .option('--note-file <file>', 'the note as a text file; an empty line begins a new paragraph', noteFrom)
    .option('--results <folder>', 'folder in which the run makes a folder of its own', 'results')
    .allowExcessArguments(false)
    .addHelpText('after', HELP)
    .exitOverride((error) => {
      error.exitCode &&= 2;
      throw error;
    });
  const urls = [...comparison.interfaces].map(([target, { name }]) => ({
    target,
    option: new Option(
      `--${target}-url <url>`,
      `URL of ${name}, if it runs already; its replicas, CPU and memory are not measured then`,
    ).argParser(url),
  }));
  for (const { option } of urls) command.addOption(option);
  const given = command.parse(argv, { from: 'user' }).opts<Given>();

  const pace = { ...(given.quick ? QUICK : FULL) };
  pace.trials = given.trials ?? pace.trials;
  pace.sweepTrials = given.trials ?? pace.sweepTrials;
  pace.runTime = given.runTime ?? pace.runTime;
  const { note: text = given.noteFile } = given;
  return {
    arguments: withoutNote(argv),
    comparison: withUrls(
      comparison,
      urls.map(({ target, option }) => [target, command.getOptionValue(option.attributeName()) as string | undefined]),
    ),
    ...(given.init !== undefined && { init: given.init }),
    check: given.check !== undefined,
    local: given.local ?? false,
    quick: given.quick ?? false,
    keep: given.keep ?? false,
    experiments: given.check === undefined ? withNeeds(given.experiment, given.quick ?? false) : [],
    pace,
    within: given.within.length > 0 ? given.within : [{ percentile: 99, milliseconds: 10 }],
    workers: given.workers,
    seed: given.seed,
    ...(given.context !== undefined && { context: given.context }),
    ...(given.kubeconfig !== undefined && { kubeconfig: given.kubeconfig }),
    ...(given.namespace !== undefined && { namespace: given.namespace }),
    set: byChart(given.set),
    values: byChart(given.values),
    ...(text !== undefined && { note: text }),
    results: given.results,
  };
}

function helpOf({ name, about, needs }: Experiment): string {
  return `  ${name.padEnd(15)}  ${about}${needs.length > 0 ? ` (needs ${needs.join(' and ')})` : ''}`;
}

interface Given extends Choice {
  init?: string;
  check?: string | true;
  local?: boolean;
  quick?: boolean;
  keep?: boolean;
  experiment: ExperimentName[];
  trials?: number;
  runTime?: number;
  within: Bound[];
  workers: number;
  seed: number;
  namespace?: string;
  set: [string, string][];
  values: [string, string][];
  note?: string;
  noteFile?: string;
  results: string;
}

/** A note tells of one run, and not of those that repeat it. */
function withoutNote(argv: string[]): string[] {
  const takesNext = (argument: string | undefined) => argument === '--note' || argument === '--note-file';
  return argv.filter((argument, index) => !/^--note(-file)?(=|$)/.test(argument) && !takesNext(argv[index - 1]));
}

function note(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('A note has text.');
  return text.trim();
}

function noteFrom(file: string): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    throw new InvalidArgumentError(`${file} can't be read as text in UTF-8: ${(error as Error).message}.`);
  }
  return note(text);
}

function byChart(pairs: readonly [string, string][]): Record<string, string[]> {
  const values = Map.groupBy(pairs, ([chart]) => chart);
  return Object.fromEntries([...values].map(([chart, its]) => [chart, its.map(([, value]) => value)]));
}

/** The charts that the command installs: those of servers, of the load generator, and of the bare server's pods. */
function chartsOf({ servers }: Comparison): string[] {
  const ofServers = [...servers].filter(([, { chart }]) => chart).map(([server]) => server);
  return [...new Set(['function', ...ofServers, 'loadtest'])];
}

/** Finds the servers file before the other options are read; undefined for the servers of this project. */
function serversFileIn(argv: readonly string[]): string | undefined {
  for (const [index, argument] of argv.entries()) {
    const [, name, value] = /^--(servers|check)(?:=(.*))?$/s.exec(argument) ?? [];
    const next = argv[index + 1];
    if (name !== undefined) return value ?? (next?.startsWith('-') ? undefined : next);
  }
  return undefined;
}

function withUrls(comparison: Comparison, urls: readonly [string, string | undefined][]): Comparison {
  const interfaces = new Map(comparison.interfaces);
  for (const [target, url] of urls) {
    const its = interfaces.get(target);
    if (its && url !== undefined) interfaces.set(target, { ...its, url });
  }
  return { ...comparison, interfaces };
}

/** An option that can be repeated. */
function repeated<T>(parse: (text: string) => T): (text: string, before: T[]) => T[] {
  return (text, before) => [...before, parse(text)];
}

function oneOf<T extends string>(names: readonly T[]): (text: string) => T {
  return (text) => {
    const name = names.find((each) => each === text);
    if (!name) throw new InvalidArgumentError(`Known are ${names.join(', ')}.`);
    return name;
  };
}

function ofChart(separator: string, charts: readonly string[]): (text: string) => [string, string] {
  return (text) => {
    const [, name = '', rest] = new RegExp(`^([\\w-]+)\\${separator}(.+)$`, 's').exec(text) ?? [];
    if (!rest) throw new InvalidArgumentError(`It begins with the name of a chart and "${separator}".`);
    return [oneOf(charts)(name), rest];
  };
}

function whole(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 1_000_000) {
    throw new InvalidArgumentError('A whole number from 1 to 1000000 is wanted.');
  }
  return value;
}

/** Each of them needs a user of those that share a rate. */
function workers(text: string): number {
  const count = whole(text);
  if (count > RATE_USERS) throw new InvalidArgumentError(`At most ${RATE_USERS} are possible.`);
  return count;
}

/** @returns seconds */
function seconds(text: string): number {
  const total = secondsOf(text);
  if (total < 20 || total > 86_400)
    throw new InvalidArgumentError('A time from 20s to 24h is wanted, such as 90s or 5m.');
  return total;
}

/** Reads a bound such as `p99<10ms`. */
function bound(text: string): Bound {
  const [, percentile, time, unit] = /^p(\d+(?:\.\d+)?)<(\d+(?:\.\d+)?)(ms|s)$/.exec(text) ?? [];
  const given = { percentile: Number(percentile), milliseconds: Number(time) * (unit === 's' ? 1000 : 1) };
  if (!(given.percentile > 0 && given.percentile < 100 && given.milliseconds > 0)) {
    throw new InvalidArgumentError(
      "A percentile and a time are wanted, such as 'p99<10ms' (in quotes, for the shell).",
    );
  }
  return given;
}

/** @returns it without a slash at its end */
function url(text: string): string {
  const parsed = URL.parse(text);
  if (!parsed || !['http:', 'https:'].includes(parsed.protocol) || parsed.pathname !== '/' || parsed.search) {
    throw new InvalidArgumentError('An address without a path is wanted, such as http://localhost:8501.');
  }
  return parsed.origin;
}
