// Benchmarks this project's function against Express, Fastify, functions-framework and node:http: see --help.

import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import getPort from 'get-port';
import { max, median, min } from 'simple-statistics';

const HELP = `Usage: npm run bench -- [--rounds N] [--seconds N] [--connections N]

Benchmarks the function against Express, Fastify, functions-framework and node:http. It starts one server after
the other on the first CPU, loads it with autocannon from the other CPUs, and prints two tables in Markdown. The
first has what a GET costs: CPU time per request, requests per second, memory after all loads, and the time from
start to first answer. The second has the CPU time of a POST of 1, 100 and 10 000 values, and how many times that of
a GET it is. Each round measures every server once. The tables have the medians, with the lowest and the highest
value of all rounds in brackets. Ratios are of values from the same round.

  --rounds N        how often to measure each server (default 3)
  --seconds N       how long each load lasts, after a warm-up of the same length (default 2)
  --connections N   how many connections to open; each sends one request at a time (default 32)

Examples:
  npm run bench
  npm run bench -- --rounds 1 --seconds 1    a first impression in a minute
`;

interface Candidate {
  name: string;
  file: string;
  args?: string[];
  nodeOptions?: string[];
  env?: Record<string, string>;
}

const STOCK = 'functions-framework CLI, plainest handler';
const BARE = '`node:http`, plainest handler';

/** Runs this project as its image does: with the same options for Node, and a compile cache. */
const entrypoint = /^ENTRYPOINT (.*)$/m.exec(readFileSync('function/Dockerfile', 'utf8'))?.[1] ?? '[]';
const asInImage = {
  file: 'function/dist/main.cjs',
  nodeOptions: (JSON.parse(entrypoint) as string[]).filter((word) => word.startsWith('--')),
  env: { NODE_COMPILE_CACHE: resolve('function/dist/compile-cache') },
};

const CANDIDATES: Candidate[] = [
  {
    name: STOCK,
    file: 'node_modules/@google-cloud/functions-framework/build/src/main.js',
    args: ['--source=function/bench/servers/functions-framework.cjs', '--target=fahrenheitToCelsius'],
  },
  { name: '**this project on functions-framework**', ...asInImage },
  { name: '**this project on `node:http`**', ...asInImage, env: { ...asInImage.env, FUNCTION_RUNTIME: 'node' } },
  { name: BARE, file: 'function/bench/servers/node-http.cjs' },
  { name: 'Fastify, plainest handler', file: 'function/bench/servers/fastify.cjs' },
  { name: 'Express, plainest handler', file: 'function/bench/servers/express.cjs' },
];

/** Each load sends one of these requests again and again. */
const LOADS = {
  get: { path: '/?fahrenheit=212' },
  post1: post(212),
  post100: post(temperatures(100)),
  post10000: post(temperatures(10_000)),
} satisfies Record<string, Pick<autocannon.Request, 'path' | 'method' | 'headers' | 'body'>>;
type LoadName = keyof typeof LOADS;
const LOAD_NAMES = Object.keys(LOADS) as LoadName[];

/** How often to start a server in each round, without the probe; the median of the times counts. */
const STARTS = 5;

interface LoadSample {
  cpuMicroseconds: number;
  requestsPerSecond: number;
}

/** What one round measures of a server. */
interface Sample {
  startMilliseconds: number;
  loads: Record<LoadName, LoadSample>;
  residentMegabytes: number;
}

const { rounds, seconds, connections } = readOptions();
const isPinned = pin(process.pid, cpus().length > 1 ? `1-${cpus().length - 1}` : '0');
warmUp();
await fetch('data:,'); // the first call loads the client
const samples = new Map(CANDIDATES.map(({ name }): [string, Sample[]] => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const candidate of CANDIDATES) {
    const sample = await measure(candidate);
    samples.get(candidate.name)?.push(sample);
    const cpu = LOAD_NAMES.map((name) => `${name} ${sample.loads[name].cpuMicroseconds.toFixed(1)}`).join(', ');
    console.error(`round ${round + 1} of ${rounds}: ${candidate.name}: CPU per request, µs: ${cpu}`);
  }
}
printTables();

function post(fahrenheit: number | number[]) {
  return {
    path: '/',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ fahrenheit }),
  } as const;
}

function temperatures(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index / 10);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '2' },
        connections: { type: 'string', default: '32' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const number = (name: 'rounds' | 'seconds' | 'connections') => {
      if (!/^[1-9]\d{0,3}$/.test(values[name])) {
        throw new Error(`--${name} is "${values[name]}"; accepted is 1 to 9999.`);
      }
      return Number(values[name]);
    };
    return { rounds: number('rounds'), seconds: number('seconds'), connections: number('connections') };
  } catch (error) {
    console.error(`bench: ${(error as Error).message}\nSee npm run bench -- --help.`);
    process.exit(2);
  }
}

/** Makes the same compile cache that the image has. */
function warmUp(): void {
  const { status } = spawnSync('node', [...asInImage.nodeOptions, 'function/warm-up.mts'], {
    env: { ...process.env, ...asInImage.env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error('The bundle did not start and answer, so that there is nothing to measure.');
}

async function measure(candidate: Candidate): Promise<Sample> {
  const starts: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    starts.push(await run(candidate, [], (_server, _origin, milliseconds) => Promise.resolve(milliseconds)));
  }
  return run(candidate, ['--require', './function/bench/probe.cjs'], async (server, origin) => {
    for (const name of LOAD_NAMES) await load(origin, name);
    return {
      startMilliseconds: median(starts),
      loads: {
        get: await measureLoad(server, origin, 'get'),
        post1: await measureLoad(server, origin, 'post1'),
        post100: await measureLoad(server, origin, 'post100'),
        post10000: await measureLoad(server, origin, 'post10000'),
      },
      residentMegabytes: (await probe(server)).residentBytes / 1e6,
    };
  });
}

async function measureLoad(server: ChildProcess, origin: string, name: LoadName): Promise<LoadSample> {
  const before = await probe(server);
  const { total, duration } = await load(origin, name);
  const after = await probe(server);
  return {
    cpuMicroseconds: (after.cpuMicroseconds - before.cpuMicroseconds) / total,
    requestsPerSecond: total / duration,
  };
}

/**
 * Starts a server, calls `use` after its first answer, and stops it again.
 * `milliseconds` is the time from the start to the first answer.
 */
async function run<Result>(
  { file, args = [], nodeOptions = [], env }: Candidate,
  probeOptions: string[],
  use: (server: ChildProcess, origin: string, milliseconds: number) => Promise<Result>,
): Promise<Result> {
  const port = await getPort();
  const origin = `http://127.0.0.1:${port}`;
  const start = performance.now();
  const server = fork(file, args, {
    execArgv: [...nodeOptions, ...probeOptions],
    env: { ...process.env, NODE_ENV: 'production', PORT: String(port), ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  pin(server.pid, '0');
  try {
    await firstAnswer(server, origin + LOADS.get.path);
    return await use(server, origin, performance.now() - start);
  } finally {
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  }
}

async function firstAnswer(server: ChildProcess, url: string): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`The server of ${url} ended with exit code ${server.exitCode}.`);
    const answer = await fetch(url).then(
      (response) => response.json() as Promise<{ celsius: unknown }>,
      () => undefined, // not listening yet
    );
    if (answer?.celsius === 100) return;
  }
}

async function load(origin: string, name: LoadName): Promise<{ total: number; duration: number }> {
  const { path, ...request } = LOADS[name];
  const url = origin + path;
  const { requests, duration, non2xx, errors } = await autocannon({ url, connections, duration: seconds, ...request });
  if (non2xx + errors > 0) throw new Error(`${name} to ${url} failed ${non2xx + errors} times.`);
  return { total: requests.total, duration };
}

async function probe(server: ChildProcess) {
  server.send('probe');
  const [usage] = (await once(server, 'message')) as [{ cpuMicroseconds: number; residentBytes: number }];
  return usage;
}

/** Pins a process to some CPUs, and returns whether that worked: it needs Linux with util-linux. */
function pin(pid: number | undefined, list: string): boolean {
  return spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', list, String(pid)]).status === 0;
}

type Figure = (sample: Sample) => number;
type Column = [heading: string, cell: (name: string) => string];

function printTables(): void {
  const get = cpuOf('get');
  const requests: Figure = ({ loads }) => loads.get.requestsPerSecond;
  const memory: Figure = ({ residentMegabytes }) => residentMegabytes;
  const start: Figure = ({ startMilliseconds }) => startMilliseconds;
  printTable([
    ['CPU per request, µs', (name) => format(list(name, get), 1)],
    ['÷ CLI', (name) => ratio(list(name, get), list(STOCK, get))],
    ['÷ bare', (name) => ratio(list(name, get), list(BARE, get))],
    ['Requests/s', (name) => format(list(name, requests), 0)],
    ['Memory, MB', (name) => format(list(name, memory), 0)],
    ['First answer, ms', (name) => format(list(name, start), 0)],
    ['÷ CLI', (name) => ratio(list(name, start), list(STOCK, start))],
  ]);
  const posts = [
    ['1 value, µs', cpuOf('post1')],
    ['100 values, µs', cpuOf('post100')],
    ['10 000 values, µs', cpuOf('post10000')],
  ] as const;
  printTable(
    posts.flatMap(([heading, post]): Column[] => [
      [heading, (name) => format(list(name, post), 1)],
      ['÷ GET', (name) => ratio(list(name, post), list(name, get))],
    ]),
  );
  console.log(`\
${rounds} rounds of ${seconds} s for each load after ${seconds} s of warm-up, ${connections} connections; \
server ${isPinned ? 'on CPU 0, load on the others' : 'and load not pinned to CPUs'}. \
Node ${process.versions.node}, Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}.`);
}

function cpuOf(load: LoadName): Figure {
  return ({ loads }) => loads[load].cpuMicroseconds;
}

function printTable(columns: Column[]): void {
  const line = (cells: string[]) => console.log(`| ${cells.join(' | ')} |`);
  line(['Server', ...columns.map(([heading]) => heading)]);
  line(['---', ...columns.map(() => '--:')]);
  for (const { name } of CANDIDATES) line([name, ...columns.map(([, cell]) => cell(name))]);
  console.log();
}

function list(name: string, figure: Figure): number[] {
  return samples.get(name)?.map(figure) ?? [];
}

function format(values: number[], digits: number): string {
  const [middle, least, most] = [median(values), min(values), max(values)].map((value) => value.toFixed(digits));
  return `${middle} (${least}–${most})`;
}

/** Divides values by those of the same rounds. */
function ratio(values: number[], bases: number[]): string {
  return format(
    values.map((value, round) => value / (bases[round] ?? NaN)),
    2,
  );
}
