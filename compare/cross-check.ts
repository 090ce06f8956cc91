// The command line of `npm run cross-check`: measures a target at the same rates with this load generator and with an
// independent one, vegeta over HTTP and ghz over gRPC, to show how much of a latency is the generator's own.

import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { median, min, quantile } from 'simple-statistics';
import * as v from 'valibot';
import { INTERRUPTED, runCommand } from '../lib/command.ts';
import { Failure } from '../lib/failure.ts';
import { startProgress, type Progress } from '../lib/progress.ts';
import { openShell, type Shell } from '../lib/shell.ts';
import type { Interface } from '../results/files.ts';
import { histogramOf, percentile } from '../results/statistics.ts';
import { openGenerator, type Asked, type Generator } from './local/generator.ts';
import { rowsOf, verdictOf } from './run/files.ts';
import type { Recorded } from './servers/bare-server.ts';
import { theRightOne } from './servers/check.ts';
import { interfaceOf } from './servers/comparison.ts';
import { readServersFile } from './servers/file.ts';
import { recordFor } from './servers/record.ts';

const EXIT_CODES = { NOT_HIGHER: 0, BROKEN: 1, HIGHER: 3, INTERRUPTED };
const SHARES = [0.5, 0.95, 0.99];
const USERS = 32;
const SETTLE_SECONDS = 3;
/** The two clients agree if a percentile differs by no more than the larger of these. */
const TOLERANCE = { share: 0.15, ms: 0.1 };

interface Target {
  key: Interface;
  name: string;
  /** The independent client that speaks its protocol. */
  other: Other;
}

interface Other {
  program: string;
  measure: (shell: Shell, asked: Asked, request: Recorded['request'], pace: Pace) => Promise<Percentiles>;
}

/** How fast a client asks, in requests/s, and how long that counts. */
interface Pace {
  rate: number;
  seconds: number;
}

/** The latency in ms up to which such a share of all requests was answered. */
type Percentiles = (share: number) => number;

const EXAMPLES = `
Examples:
  npm run cross-check -- --function-url http://127.0.0.1:30080 --tfserving-url http://127.0.0.1:30501
  npm run cross-check -- --tfserving-grpc-url http://127.0.0.1:8500
  npm run cross-check -- --function-url http://127.0.0.1:8080 --rates 100 --rounds 1 --seconds 10

You need Python 3.11 or newer, for targets over HTTP vegeta (https://github.com/tsenart/vegeta#install), and for those over
gRPC ghz (https://ghz.sh/docs/install). Run it where the clients have a core of their own, and nothing else is busy.

A client can only add to a latency, so the lower of two figures is nearer to the truth.

Exit codes: 0 this generator's figures agree, or are lower; 3 one is higher; 1 it broke; 2 wrong use; 130 interrupted.`;

interface Options {
  urls: ReadonlyMap<Target, string>;
  rates: number[];
  rounds: number;
  seconds: number;
}

/** @throws CommanderError with exit code 2 on wrong use, 0 after --help; the text is printed already */
function readOptions(argv: string[]): Options {
  const urls = new Map<Target, string>();
  const command = new Command('npm run cross-check --')
    .description(
      'Sends requests at offered rates to targets that already run, with this load generator and with an independent one ' +
        'in turn, and compares their percentiles. Two agree if they differ by at most ' +
        `${100 * TOLERANCE.share} % or ${TOLERANCE.ms} ms, whichever is more.`,
    )
    .option(
      '--rates <list>',
      'requests/s, separated by commas',
      (list) => list.split(',').map(whole),
      [300, 1000, 2000],
    )
    .option('--rounds <n>', 'number of times each client measures each rate; medians are compared', whole, 3)
    .option('--seconds <n>', 'length of each measurement', whole, 20)
    .allowExcessArguments(false)
    .addHelpText('after', EXAMPLES)
    .exitOverride((error) => {
      error.exitCode &&= 2;
      throw error;
    });
  for (const target of TARGETS) {
    command.option(`--${target.key}-url <url>`, `address of ${target.name}`, (url: string) => {
      urls.set(target, url.replace(/\/$/, ''));
    });
  }
  const given = command.parse(argv, { from: 'user' }).opts<Omit<Options, 'urls'>>();
  if (urls.size === 0) {
    command.error(`error: there is nothing to measure: give ${TARGETS.map(({ key }) => `--${key}-url`).join(' or ')}`);
  }
  return { ...given, urls };
}

function whole(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('A whole number from 1 is wanted.');
  return Number(text);
}

/** This load generator: latencies count from when a request was due, as in every comparison. */
async function thisGenerator({ load }: Generator, asked: Asked, { rate, seconds }: Pace) {
  const { target } = asked;
  const steps = [{ seconds: seconds + SETTLE_SECONDS, users: USERS, rate }];
  const files = await load({ target, steps, settleSeconds: SETTLE_SECONDS, seed: 1, arrivals: 'even' }, asked);
  const { verdict, reasons } = verdictOf(files, target);
  if (verdict === 'INVALID') throw new Failure(`At ${rate} requests/s the load is INVALID. ${reasons.join(' ')}`);
  const rows = rowsOf(files, target, 'latency');
  const histogram = histogramOf(rows.filter(({ clock, outcome }) => clock === 'response' && outcome === 'ok'));
  return (share: number) => percentile([histogram], share) / 1000;
}

/** What both other clients tell of a request: when it was sent, its latency in ns, and its error, which is empty if none. */
const resultSchema = v.object({ timestamp: v.pipe(v.string(), v.toDate()), latency: v.number(), error: v.string() });
type Result = v.InferOutput<typeof resultSchema>;

/** @throws Failure if a request has failed */
function percentilesOf(results: Result[], program: string, { target }: Asked, { rate }: Pace): Percentiles {
  const errors = [...new Set(results.flatMap(({ error }) => error || []))];
  if (errors.length > 0) {
    throw new Failure(`At ${rate} requests/s, some of ${program}'s requests to ${target} failed.`, errors.join('\n'));
  }
  const settled = min(results.map(({ timestamp }) => Number(timestamp))) + SETTLE_SECONDS * 1000;
  const measured = results.filter(({ timestamp }) => Number(timestamp) >= settled);
  const latencies = measured.map(({ latency }) => latency / 1e6);
  return (share) => quantile(latencies, share);
}

const vegeta: Other = {
  program: 'vegeta',
  async measure({ run }, asked, question, pace) {
    if (!question || 'message' in question) throw new Error(`${asked.target} is not asked over HTTP.`);
    const { method, path, headers, body } = question;
    const header = Object.fromEntries(Object.entries(headers).map(([field, value]) => [field, [value]]));
    const request = { method, url: asked.url + path, body: Buffer.from(body ?? '').toString('base64'), header };
    await using folder = await mkdtempDisposable(join(tmpdir(), 'f2c-vegeta-'));
    const output = join(folder.path, 'results');
    const duration = `-duration=${pace.seconds + SETTLE_SECONDS}s`;
    const limits = [`-workers=${USERS}`, `-max-workers=${USERS}`, `-max-connections=${USERS}`];
    await run('vegeta', ['attack', '-format=json', `-rate=${pace.rate}/1s`, duration, `-output=${output}`, ...limits], {
      // vegeta skips a last line that has no end.
      input: `${JSON.stringify(request)}\n`,
    });
    const lines = (await run('vegeta', ['encode', output])).split('\n');
    const results = lines.map((line) => v.parse(resultSchema, JSON.parse(line)));
    return percentilesOf(results, 'vegeta', asked, pace);
  },
};

const ghz: Other = {
  program: 'ghz',
  async measure({ run }, asked, question, pace) {
    const { grpc = '', descriptors = '' } = interfaceOf(COMPARISON, asked.target).record;
    if (!question || !('message' in question)) throw new Error(`${asked.target} is not asked over gRPC.`);
    const { protocol, host } = new URL(asked.url);
    await using folder = await mkdtempDisposable(join(tmpdir(), 'f2c-ghz-'));
    const [output, protoset, message] = ['results.json', 'protoset', 'message'].map((name) =>
      join(folder.path, name),
    ) as [string, string, string];
    await writeFile(protoset, descriptors, 'base64');
    await writeFile(message, question.message, 'base64');
    await run('ghz', [
      ...[`--call=${grpc.replace('/', '.')}`, `--protoset=${protoset}`, `--binary-file=${message}`],
      ...[`--rps=${pace.rate}`, `--duration=${pace.seconds + SETTLE_SECONDS}s`, '--duration-stop=wait'],
      ...[`--concurrency=${USERS}`, `--connections=${USERS}`],
      ...['--format=json', `--output=${output}`, protocol === 'https:' ? '--skipTLS' : '--insecure', host],
    ]);
    const { details } = v.parse(
      v.object({ details: v.array(resultSchema) }),
      JSON.parse(await readFile(output, 'utf8')),
    );
    return percentilesOf(details, 'ghz', asked, pace);
  },
};

const COMPARISON = readServersFile();
const TARGETS = [...COMPARISON.interfaces].map(([key, { name, protocol }]): Target => ({
  key,
  name,
  other: protocol === 'grpc' ? ghz : vegeta,
}));

const HEAD = [
  'Target',
  'Requests/s',
  'Percentile',
  'This generator, ms',
  'Other, ms',
  'Ratio',
  'Other',
  'This generator',
];

/** Yields the rows of the table: each percentile of both clients, as the median of the rounds, and how the two stand. */
async function* measure(
  { urls, rates, rounds, seconds }: Options,
  generator: Generator,
  shell: Shell,
  progress: Progress,
) {
  for (const [target, url] of urls) {
    const { key, name, other } = target;
    const asked = { target: key, url, record: recordFor(COMPARISON, key, new Map()) };
    const { request } = theRightOne(await generator.check(asked, { all: false, wait: 0 }), name);
    for (const rate of rates) {
      const [ours, theirs]: [Percentiles[], Percentiles[]] = [[], []];
      for (let round = 1; round <= rounds; round++) {
        progress.begin(`${name} at ${rate} requests/s, round ${round} of ${rounds}`);
        ours.push(await thisGenerator(generator, asked, { rate, seconds }));
        theirs.push(await other.measure(shell, asked, request, { rate, seconds }));
      }
      for (const share of SHARES) {
        const [our, their] = [ours, theirs].map((rounds) => median(rounds.map((at) => at(share)))) as [number, number];
        const figures = [our, their, our / their].map((value) => value.toFixed(2));
        yield [name, String(rate), `p${100 * share}`, ...figures, other.program, standing(our, their)];
      }
    }
  }
}

function standing(ours: number, theirs: number): 'agrees' | 'lower' | 'higher' {
  if (Math.abs(ours - theirs) <= Math.max(TOLERANCE.share * theirs, TOLERANCE.ms)) return 'agrees';
  return ours < theirs ? 'lower' : 'higher';
}

async function crossCheck(options: Options, interruption: AbortSignal): Promise<number> {
  const shell = openShell(interruption);
  const progress = startProgress();
  const rows = [HEAD, HEAD.map(() => '---')];
  try {
    for (const program of new Set([...options.urls.keys()].map(({ other }) => other.program))) {
      progress.begin(`checking that ${program} is here`);
      await shell.run(program, ['--version']);
    }
    const generator = await openGenerator(shell, progress.say);
    for await (const row of measure(options, generator, shell, progress)) rows.push(row);
    return rows.some((row) => row.at(-1) === 'higher') ? EXIT_CODES.HIGHER : EXIT_CODES.NOT_HIGHER;
  } catch (error) {
    if (interruption.aborted) return EXIT_CODES.INTERRUPTED;
    if (!(error instanceof Failure)) throw error;
    if (error.details) console.error(`\n${error.details}\n`);
    progress.say(error.message, 'failure');
    return EXIT_CODES.BROKEN;
  } finally {
    progress.end();
    // What was measured before a failure or Ctrl-C counts, too.
    if (rows.length > 2) for (const row of rows) console.log(`| ${row.join(' | ')} |`);
  }
}

await runCommand(readOptions, 'it ends what is under way', crossCheck);
