// The sections of the report about how it was measured, how far to trust it, and how to repeat it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import * as v from 'valibot';
import { toCelsius } from '../../function/src/celsius.ts';
import type { Sides } from './charts.ts';
import { left, paragraph, right, type Block, type Cell, type Section, type Table } from './document.ts';
import { ABSENT, number } from './format.ts';
import { isValid, loadsOf, type Measurements, type Part } from './measurements.ts';
import type { Price } from './sections.ts';
import { threatsOf } from './threats.ts';

/** Members of environment.json's `options` that are told here; runs of other versions may lack them. */
const optionsSchema = v.object({
  arguments: v.fallback(v.array(v.string()), []),
  pace: v.fallback(v.record(v.string(), v.number()), {}),
  cpuLimit: v.fallback(v.string(), 'no limit that is known'),
  users: v.fallback(v.number(), NaN),
});

export function method({ environment, parts }: Measurements): Section {
  const { pace, cpuLimit, users } = v.parse(optionsSchema, environment.options);
  const { ceiling, seed, mode } = environment;
  const most = ceiling
    ? `${number(ceiling.bound)} requests/s, 60 % of what it can send to a bare server here`
    : 'what it can send';
  const time = (key: string) => number(pace[key] ?? NaN);
  const limit = mode === 'cluster' ? `with a CPU limit of ${cpuLimit}` : 'without a CPU limit';
  const experiments: Record<string, string> = {
    calibrate: `finds the ceiling of the generator. No rate is above ${most}.`,
    autoscale: `offers both the same rate, in four steps up to that bound, over ${time('runTime')} s, to 1 to 5 replicas.`,
    capacity: `loads one replica, ${limit}, with 1, 2, 4, … up to ${number(users)} users who ask again at once, until throughput stops rising.`,
    latency: `offers one replica half of the slower one’s capacity for ${time('latency')} s. Latency counts from when a request should have been sent, so that waiting behind a slow one counts too.`,
    noise: 'repeats latency with the function alone, twice each: what it differs by is noise.',
    batch: 'sends 1 to 10 000 values in a request, by 4 users.',
    coldstart: `starts a replica ${time('coldStarts')} times, and times it to its first right answer.`,
  };
  const isThere = (name: string) => parts.some(({ experiment }) => experiment === name);
  return {
    title: 'Method',
    blocks: [
      paragraph(
        `One load generator, Locust, sends the same temperatures (−100 to 300 °F, seed ${String(seed)}) to either target, one target at a time, and checks every answer: a wrong one is a failure. Both convert by (f − 32) · 5/9, the function in doubles, the model in float32. ${mode === 'cluster' ? 'Both run with the same CPU and memory, which was read from the running pods.' : 'Both run on one machine, without limits.'} Trials are interleaved (function, TensorFlow Serving, TensorFlow Serving, function, …), so that a drift of the machine meets both. A load that misses one of the rules of validity is INVALID, and its figures are left out: a busy generator, a rate that was not kept, wrong answers, too many failures, replicas without work, no steady state.`,
      ),
      {
        kind: 'figure',
        svg: readFileSync(join(import.meta.dirname, 'setup.svg'), 'utf8'),
        caption: 'What runs where. Without a cluster, processes on one machine stand in the places of the pods.',
        alt: 'The compare command installs the charts; the Locust job loads one target after the other through its Service; the autoscaler reads the metrics server; results come home through the log of the job.',
      },
      {
        kind: 'list',
        items: Object.entries(experiments)
          .filter(([name]) => isThere(name))
          .map((words) => words.join(' ')),
      },
      paragraph(
        'Percentiles are those of all trials’ histograms merged, never means of percentiles. Their intervals are of order statistics; the ratios’ are over trials, in pairs: by bootstrap from six trials on, below that by Student’s t of the logarithms. In a trial or two there is little to tell, and the report says so.',
      ),
    ],
  };
}

export function environment(runs: readonly Measurements[]): Section {
  const of = (what: string, tell: (environment: Measurements['environment']) => string): Cell[] => [
    what,
    ...runs.map((run) => tell(run.environment) || ABSENT),
  ];
  const nodes = (
    environment: Measurements['environment'],
    tell: (node: NonNullable<Measurements['environment']['kubernetes']>['nodes'][number]) => string,
  ) => [...new Set(environment.kubernetes?.nodes.map(tell))].join('; ');
  const gib = (bytes: number) => `${number(Math.round((bytes / 2 ** 30) * 10) / 10)} GiB`;
  const images = [...new Set(runs.flatMap((run) => Object.keys(run.environment.images)))].sort();
  const resources = [...new Set(runs.flatMap((run) => Object.keys(run.environment.resources)))].sort();
  const list = (values: Record<string, string>) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  return {
    title: 'Environment',
    blocks: [
      {
        kind: 'table',
        columns: [left('What'), ...runs.map(({ name }) => left(runs.length > 1 ? name : 'Value'))],
        rows: [
          of('Place', ({ mode }) => (mode === 'cluster' ? 'a Kubernetes cluster' : 'one machine, without a cluster')),
          of('Kubernetes', ({ kubernetes }) => kubernetes?.version ?? ''),
          of('Nodes', (each) =>
            each.kubernetes
              ? `${String(each.kubernetes.nodes.length)}: ${nodes(each, ({ cpus, memoryBytes, architecture }) => `${number(cpus)} CPUs, ${gib(memoryBytes)}, ${architecture}`)}`
              : '',
          ),
          of('Kernel of the nodes', (each) => nodes(each, ({ kernel }) => kernel)),
          of('System of the nodes', (each) => nodes(each, ({ os }) => os)),
          of('Container runtime', (each) => nodes(each, ({ containerRuntime }) => containerRuntime)),
          of('CPU of the nodes', (each) => nodes(each, ({ cpuModel }) => cpuModel ?? 'not known')),
          of(
            'Machine of the command',
            ({ machine }) =>
              `${machine.cpuModel}, ${String(machine.cpus)} CPUs, ${gib(machine.memoryBytes)}, ${machine.os} ${machine.kernel}`,
          ),
          ...resources.map((name) =>
            of(`Resources, ${name}`, ({ resources: { [name]: its } }) =>
              its ? `requests ${list(its.requests)}; limits ${list(its.limits)}` : '',
            ),
          ),
          ...images.map((name) =>
            of(`Image ${name}`, (each) =>
              [each.images[name]?.reference, each.images[name]?.id].filter(Boolean).join(' '),
            ),
          ),
          of('Commit', ({ git }) => (git ? `${git.commit}${git.dirty ? ', and files that differ from it' : ''}` : '')),
          of('Seed', ({ seed }) => String(seed)),
          of('Ceiling of the generator', ({ ceiling }) =>
            ceiling
              ? Object.entries(ceiling.requestsPerSecond)
                  .map(([name, rate]) => `${name} ${number(rate)} requests/s`)
                  .join(', ')
              : '',
          ),
          of('Highest rate offered', ({ ceiling }) => (ceiling ? `${number(ceiling.bound)} requests/s` : '')),
          of('Clock of the cluster', ({ clock }) =>
            clock.offsetSeconds === null ? '' : `${number(clock.offsetSeconds)} s ahead, by ${clock.of}`,
          ),
        ].filter(([, ...cells]) => cells.some((cell) => cell !== ABSENT)),
        source: 'environment.json',
      },
    ],
  };
}

const KNOWN_TEMPERATURES = join(import.meta.dirname, '../../model/known-temperatures.csv');

/** The double of the function against the float32 of the model, worked out here by the rules of model/README.md. */
export function accuracy(): Section {
  const known = parse<Record<'fahrenheit' | 'celsius' | 'name', string>>(readFileSync(KNOWN_TEMPERATURES), {
    columns: true,
  });
  const off = (answer: number, exact: number) =>
    Number.isFinite(answer) ? exponential(Math.abs(answer - exact)) : 'beyond float32';
  return {
    title: 'Accuracy',
    blocks: [
      paragraph(
        'The function computes in doubles, the model in float32. How far each is from the exact temperature follows from the formula, and is worked out here; in every load each answer was checked, the model’s to within the tolerance, and a wrong one counted as a failure.',
      ),
      {
        kind: 'table',
        columns: [
          left('Temperature'),
          right('°F'),
          right('°C'),
          right('Function off by, °C'),
          right('Model off by, °C'),
          right('allowed, °C'),
        ],
        rows: known.map(({ fahrenheit, celsius, name }) => {
          const [f, c] = [Number(fahrenheit), Number(celsius)];
          const model = Math.fround(Math.fround(Math.fround(f) - 32) * Math.fround(5 / 9));
          const tolerance = 3 * 2 ** -24 * Math.abs(c) + Math.abs(f - Math.fround(f));
          return [
            name,
            shortened(fahrenheit),
            shortened(celsius),
            off(toCelsius(f), c),
            off(model, c),
            Number.isFinite(tolerance) ? exponential(tolerance) : ABSENT,
          ];
        }),
        source: 'model/known-temperatures.csv, function/src/celsius.ts; the tolerance is derived in model/README.md',
      },
    ],
  };
}

function exponential(value: number): string {
  return value === 0 ? '0' : value.toExponential(1);
}

function shortened(text: string): string {
  return text.length > 10 ? Number(text).toPrecision(6) : text;
}

export function threats(measurements: Measurements): Section {
  return { title: 'Threats to validity', blocks: [{ kind: 'list', items: threatsOf(measurements) }] };
}

export function repetition({ name, environment }: Measurements, { dollarsPerHour, cpus }: Price): Section {
  const { arguments: given } = v.parse(optionsSchema, environment.options);
  const options = given.length > 0 ? ` -- ${given.map(quoted).join(' ')}` : '';
  const commands = [
    ...(environment.git ? [`git checkout ${environment.git.commit}`] : []),
    'npm ci',
    `npm run compare${options}`,
    `npm run report -- results/${name} --node-price ${String(dollarsPerHour)} --node-cpus ${String(cpus)}`,
  ];
  return {
    title: 'Repeat it',
    blocks: [
      paragraph(
        'With the images in the cluster, as README.md tells; the last line makes this report again, to the same bytes:',
      ),
      { kind: 'code', text: commands.join('\n') },
    ],
  };
}

function quoted(argument: string): string {
  return /^[\w.,:/=@+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}

/** In red: which load does not count, and why. */
export function alertOf({ experiment, trial, target, reasons }: Part): string {
  return `INVALID: ${experiment}/${String(trial)} of ${target}. ${reasons.join(' ')}`;
}

/** Every trial, those that don't count too. */
export function appendix(sides: Sides): Section {
  const parts = sides[0].measurements.parts.filter((part) => part.has('verdict'));
  const labelOf = (part: Part) => sides.find(({ target }) => target === part.target)?.label ?? '';
  const invalid = loadsOf(sides[0].measurements).filter((part) => !isValid(part));
  const table: Table = {
    kind: 'table',
    columns: [
      left('Load'),
      left('Target'),
      left('Verdict'),
      right('Requests'),
      right('Failed'),
      right('Requests/s'),
      right('p50, ms'),
      right('p99, ms'),
      right('Generator, cores'),
    ],
    rows: parts.map((part) => {
      const { verdict, requests, failures, throughput, p50Us, p99Us, generator } = part.read('verdict');
      const ms = (us: number | null) => number((us ?? NaN) / 1000);
      // That the generator is the bottleneck is what this one is for.
      const text = part.experiment === 'calibrate' ? 'ceiling' : verdict;
      const cell = text === 'INVALID' ? { alert: text } : text;
      return [
        `${part.experiment}/${String(part.trial)}`,
        labelOf(part),
        cell,
        number(requests),
        number(failures),
        number(throughput),
        ms(p50Us),
        ms(p99Us),
        number(generator.cpuCores ?? NaN),
      ];
    }),
    source: '*/*/<target>_verdict.json; latencies from the sending of the requests, the failed ones too',
  };
  return {
    title: 'Appendix: each load',
    blocks: [table, ...invalid.map((part): Block => ({ kind: 'alert', text: alertOf(part) }))],
  };
}
