// The command line of `npm run cross-check`: measures the same target at the same rates with this load generator and with
// vegeta, an independent one, to show how much of a latency is the generator's own.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { parse } from 'csv-parse/sync';
import { median, min, quantile } from 'simple-statistics';
import * as v from 'valibot';
import { INTERRUPTED, runCommand } from '../lib/command.ts';
import { Failure } from '../lib/failure.ts';
import { startProgress, type Progress } from '../lib/progress.ts';
import { openShell, type Shell } from '../lib/shell.ts';
import type { Interface } from '../results/files.ts';
import { histogramOf, percentile } from '../results/statistics.ts';
import { mostFrequent } from './experiments/verdicts.ts';
import { openGenerator, type Generator } from './local/generator.ts';
import { rowsOf, verdictOf } from './run/files.ts';
import { INTERFACES } from './servers/index.ts';

const EXIT_CODES = { NOT_HIGHER: 0, BROKEN: 1, HIGHER: 3, INTERRUPTED };
const SHARES = [0.5, 0.95, 0.99];
const USERS = 32;
const SETTLE_SECONDS = 3;
/** The two agree if a percentile differs by no more than the larger of these. */
const MOST_DIFFERENCE = { share: 0.15, ms: 0.1 };

const EXAMPLES = `
Examples:
  npm run cross-check -- --function-url http://127.0.0.1:30080 --tfserving-url http://127.0.0.1:30501
  npm run cross-check -- --function-url http://127.0.0.1:8080 --rates 100 --rounds 1 --seconds 10

It needs vegeta (https://github.com/tsenart/vegeta#install) and Python 3.11 or newer. Run it where the clients have a core
of their own, and nothing else is busy.

A client can only add to a latency, so the lower of two figures is nearer to the truth.

Exit codes: 0 this generator's figures agree, or are lower; 3 one is higher; 1 it broke; 2 wrong use; 130 interrupted.`;

/** Percentiles in ms, in the order of SHARES. */
type Percentiles = number[];
type Client = (target: Interface, url: string, rate: number, seconds: number) => Promise<Percentiles>;

interface Options {
  functionUrl?: string;
  tfservingUrl?: string;
  rates: number[];
  rounds: number;
  seconds: number;
}

/** @throws CommanderError with exit code 2 on wrong use, 0 after --help; the text is printed already */
function readOptions(argv: string[]): Options {
  const command = new Command('npm run cross-check --')
    .description(
      `Sends requests at given rates to targets that already run, with this load generator and with vegeta in turn, and ` +
        `compares their percentiles. Two agree if they differ by at most ${100 * MOST_DIFFERENCE.share} % or ` +
        `${MOST_DIFFERENCE.ms} ms, whichever is more.`,
    )
    .option('--function-url <url>', 'address of the function')
    .option('--tfserving-url <url>', 'address of TensorFlow Serving')
    .option('--rates <list>', 'requests/s, separated by commas', rates, [300, 1000, 2000])
    .option('--rounds <n>', 'number of times each client measures each rate; medians are compared', whole, 3)
    .option('--seconds <n>', 'length of each measurement', whole, 20)
    .allowExcessArguments(false)
    .addHelpText('after', EXAMPLES)
    .exitOverride((error) => {
      error.exitCode &&= 2;
      throw error;
    });
  const options = command.parse(argv, { from: 'user' }).opts<Options>();
  if (!options.functionUrl && !options.tfservingUrl) {
    command.error('error: there is nothing to measure: give --function-url, --tfserving-url, or both');
  }
  return options;
}

function whole(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('A whole number from 1 is wanted.');
  return Number(text);
}

function rates(text: string): number[] {
  return text.split(',').map(whole);
}

/** This load generator: latencies count from when a request was due, as in every comparison. */
function thisGenerator({ load: generate }: Generator): Client {
  return async (target, url, rate, seconds) => {
    const steps = [{ seconds: seconds + SETTLE_SECONDS, users: USERS, rate }];
    const files = await generate({ target, steps, settleSeconds: SETTLE_SECONDS }, url);
    const { verdict, reasons } = verdictOf(files, target);
    if (verdict === 'INVALID') throw new Failure(`At ${rate} requests/s the load is INVALID. ${reasons.join(' ')}`);
    const rows = rowsOf(files, target, 'latency').filter(
      ({ clock, outcome }) => clock === 'response' && outcome === 'ok',
    );
    return SHARES.map((share) => percentile([histogramOf(rows)], share) / 1000);
  };
}

const NUMBER = v.pipe(v.string(), v.toNumber());
/** The first columns of `vegeta encode -to=csv`: when a request was sent, its status, latency, bytes out and in, and error. */
const vegetaSchema = v.array(
  v.pipe(
    v.tuple([NUMBER, v.string(), NUMBER, v.string(), v.string(), v.string()]),
    v.transform(([sentNs, , latencyNs, , , error]) => ({ sentNs, latencyMs: latencyNs / 1e6, error })),
  ),
);

function vegeta(shell: Shell): Client {
  return async (target, url, rate, seconds) => {
    const { question, name } = INTERFACES[target];
    if (!question) throw new Error(`vegeta can't ask ${name}`);
    const { path, options } = question;
    const { method, body = '', headers = {} } = options;
    const header = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
    // vegeta skips a last line that has no end.
    const asked = `${JSON.stringify({ method, url: url + path, body: Buffer.from(body).toString('base64'), header })}\n`;
    const limits = [`-workers=${USERS}`, `-max-workers=${USERS}`, `-max-connections=${USERS}`];
    const length = `-duration=${seconds + SETTLE_SECONDS}s`;
    const folder = await mkdtemp(join(tmpdir(), 'f2c-vegeta-'));
    const results = join(folder, 'results');
    const text = await shell
      .run('vegeta', ['attack', '-format=json', `-rate=${rate}/1s`, length, `-output=${results}`, ...limits], {
        input: asked,
      })
      .then(() => shell.run('vegeta', ['encode', '-to=csv', results]))
      .finally(() => rm(folder, { recursive: true }));
    const all = v.parse(vegetaSchema, parse(text));
    const errors = all.flatMap(({ error }) => error || []);
    if (errors.length > 0) {
      const counted = Map.groupBy(errors, (error) => error);
      const why = mostFrequent([...counted].map(([error, its]) => ({ error, count: its.length })));
      const share = 1 - errors.length / all.length;
      throw new Failure(
        `At ${rate} requests/s ${name} answered only ${(100 * share).toFixed(1)} % of vegeta's requests; the others failed${why}.`,
      );
    }
    const settled = min(all.map(({ sentNs }) => sentNs)) + SETTLE_SECONDS * 1e9;
    const measured = all.filter(({ sentNs }) => sentNs >= settled);
    const latencies = measured.map(({ latencyMs }) => latencyMs);
    return SHARES.map((share) => quantile(latencies, share));
  };
}

/** @returns the rows of a table: each percentile of both clients, as the median of the rounds, and how the two stand */
async function measure(options: Options, clients: readonly Client[], progress: Progress): Promise<string[][]> {
  const urls = { function: options.functionUrl, tfserving: options.tfservingUrl };
  const rows: string[][] = [];
  for (const target of ['function', 'tfserving'] as const) {
    const url = urls[target]?.replace(/\/$/, '');
    for (const rate of url === undefined ? [] : options.rates) {
      const rounds: Percentiles[][] = [];
      for (let round = 1; round <= options.rounds; round++) {
        progress.begin(`${INTERFACES[target].name} at ${rate} requests/s, round ${round} of ${options.rounds}`);
        const measured: Percentiles[] = [];
        for (const client of clients) measured.push(await client(target, url ?? '', rate, options.seconds));
        rounds.push(measured);
      }
      for (const [index, share] of SHARES.entries()) {
        const [ours = NaN, theirs = NaN] = clients.map((_, client) =>
          median(rounds.map((measured) => measured[client]?.[index] ?? NaN)),
        );
        const figures = [ours, theirs, ours / theirs].map((value) => value.toFixed(2));
        rows.push([INTERFACES[target].name, String(rate), `p${100 * share}`, ...figures, standing(ours, theirs)]);
      }
    }
  }
  return rows;
}

function standing(ours: number, theirs: number): 'agrees' | 'lower' | 'higher' {
  if (Math.abs(ours - theirs) <= Math.max(MOST_DIFFERENCE.share * theirs, MOST_DIFFERENCE.ms)) return 'agrees';
  return ours < theirs ? 'lower' : 'higher';
}

const HEAD = ['Target', 'Requests/s', 'Percentile', 'This generator, ms', 'vegeta, ms', 'Ratio', 'This generator'];

async function crossCheck(options: Options, interruption: AbortSignal): Promise<number> {
  const shell = openShell(interruption);
  const progress = startProgress();
  try {
    progress.begin('checking that vegeta is here');
    await shell.run('vegeta', ['-version']);
    const clients = [thisGenerator(await openGenerator(shell, 1, progress.say)), vegeta(shell)];
    const rows = await measure(options, clients, progress);
    progress.end();
    for (const row of [HEAD, HEAD.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
    return rows.some((row) => row.at(-1) === 'higher') ? EXIT_CODES.HIGHER : EXIT_CODES.NOT_HIGHER;
  } catch (error) {
    if (shell.signal.aborted) return EXIT_CODES.INTERRUPTED;
    if (!(error instanceof Failure)) throw error;
    if (error.details) console.error(`\n${error.details}\n`);
    progress.say(error.message, 'failure');
    return EXIT_CODES.BROKEN;
  } finally {
    progress.end();
  }
}

await runCommand(readOptions, 'it ends what is under way', crossCheck);
