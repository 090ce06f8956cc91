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
the other on the first CPU, loads it with autocannon from the other CPUs, and prints a table in Markdown: CPU time
per request, requests per second, memory after the load, and the time from start to first answer. Each round
measures every server once. The table has the medians, with the lowest and the highest value of all rounds in
brackets. Ratios are of values from the same round.

  --rounds N        how often to measure each server (default 5)
  --seconds N       how long to load a server, after a warm-up of the same length (default 5)
  --connections N   how many connections to open; each sends one request at a time (default 32)

Examples:
  npm run bench
  npm run bench -- --rounds 2 --seconds 2    a first impression in a minute
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

/** How often to start a server in each round, without the probe; the median of the times counts. */
const STARTS = 5;

interface Sample {
  startMilliseconds: number;
  cpuMicroseconds: number;
  requestsPerSecond: number;
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
    const cpu = sample.cpuMicroseconds.toFixed(1);
    console.error(`round ${round + 1} of ${rounds}: ${candidate.name}: ${cpu} µs CPU per request`);
  }
}
printTable();

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '5' },
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
    starts.push(await run(candidate, [], (_server, _url, milliseconds) => Promise.resolve(milliseconds)));
  }
  return run(candidate, ['--require', './function/bench/probe.cjs'], async (server, url) => {
    await load(url);
    const before = await probe(server);
    const { total, duration } = await load(url);
    const after = await probe(server);
    return {
      startMilliseconds: median(starts),
      cpuMicroseconds: (after.cpuMicroseconds - before.cpuMicroseconds) / total,
      requestsPerSecond: total / duration,
      residentMegabytes: after.residentBytes / 1e6,
    };
  });
}

/**
 * Starts a server, calls `use` after its first answer, and stops it again.
 * `milliseconds` is the time from the start to the first answer.
 */
async function run<Result>(
  { file, args = [], nodeOptions = [], env }: Candidate,
  probeOptions: string[],
  use: (server: ChildProcess, url: string, milliseconds: number) => Promise<Result>,
): Promise<Result> {
  const port = await getPort();
  const url = `http://127.0.0.1:${port}/?fahrenheit=212`;
  const start = performance.now();
  const server = fork(file, args, {
    execArgv: [...nodeOptions, ...probeOptions],
    env: { ...process.env, NODE_ENV: 'production', PORT: String(port), ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  pin(server.pid, '0');
  try {
    await firstAnswer(server, url);
    return await use(server, url, performance.now() - start);
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

async function load(url: string): Promise<{ total: number; duration: number }> {
  const { requests, duration, non2xx, errors } = await autocannon({ url, connections, duration: seconds });
  if (non2xx + errors > 0) throw new Error(`${url} failed ${non2xx + errors} times.`);
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

function printTable(): void {
  const list = (name: string, key: keyof Sample) => samples.get(name)?.map((sample) => sample[key]) ?? [];
  const format = (values: number[], digits: number) => {
    const [middle, least, most] = [median(values), min(values), max(values)].map((value) => value.toFixed(digits));
    return `${middle} (${least}–${most})`;
  };
  const ratio = (name: string, base: string, key: keyof Sample) => {
    const bases = list(base, key);
    return format(
      list(name, key).map((value, round) => value / (bases[round] ?? NaN)),
      2,
    );
  };
  const rows = CANDIDATES.map(({ name }) => [
    name,
    format(list(name, 'cpuMicroseconds'), 1),
    ratio(name, STOCK, 'cpuMicroseconds'),
    ratio(name, BARE, 'cpuMicroseconds'),
    format(list(name, 'requestsPerSecond'), 0),
    format(list(name, 'residentMegabytes'), 0),
    format(list(name, 'startMilliseconds'), 0),
    ratio(name, STOCK, 'startMilliseconds'),
  ]);
  const header = [
    'Server',
    'CPU per request, µs',
    '÷ CLI',
    '÷ bare',
    'Requests/s',
    'Memory, MB',
    'First answer, ms',
    '÷ CLI',
  ];
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  console.log([line(header), line(header.map((_, column) => (column ? '--:' : '---'))), ...rows.map(line)].join('\n'));
  console.log(`
${rounds} rounds of ${seconds} s after ${seconds} s of warm-up, ${connections} connections; \
server ${isPinned ? 'on CPU 0, load on the others' : 'and load not pinned to CPUs'}. \
Node ${process.versions.node}, Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}.`);
}
