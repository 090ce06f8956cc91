// The sections of the report after its first page.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { max, median, sum } from 'simple-statistics';
import * as v from 'valibot';
import { toCelsius } from '../../function/src/celsius.ts';
import {
  batches,
  coldStarts,
  latencies,
  saturation as saturationChart,
  sideBySide,
  type Batch,
  type Saturation,
  type Sides,
} from './charts.ts';
import { left, right, type Block, type Cell, type Section, type Table } from './document.ts';
import { floorOf } from './verdict.ts';
import type { Figure } from './figures.ts';
import { ABSENT, counted, interval, number, ratioWithInterval, words } from './format.ts';
import { isValid, latencyOf, pairsOf, partsOf, type Measurements, type Part, type Side } from './measurements.ts';
import { countOf, percentile, percentileInterval } from './statistics.ts';
import { threatsOf } from './threats.ts';
import { answersOf, startOf, timeline } from './timeline.ts';

const paragraph = (text: string): Block => ({ kind: 'paragraph', text });

/** Members of environment.json's `options` that are told here; runs of other versions may lack them. */
const optionsSchema = v.object({
  arguments: v.fallback(v.array(v.string()), []),
  pace: v.fallback(v.record(v.string(), v.number()), {}),
  cpuLimit: v.fallback(v.string(), 'no limit that is known'),
  users: v.fallback(v.number(), NaN),
});

export function method({ environment }: Measurements): Section {
  const { pace, cpuLimit, users } = v.parse(optionsSchema, environment.options);
  const { ceiling, seed } = environment;
  const most = ceiling
    ? `${number(ceiling.bound)} requests/s, 60 % of what it can send to a bare server here`
    : 'what it can send';
  const time = (key: string) => number(pace[key] ?? NaN);
  return {
    title: 'Method',
    blocks: [
      paragraph(
        `One load generator, Locust, sends the same temperatures (−100 to 300 °F, seed ${String(seed)}) to either target, one target at a time, and checks every answer: a wrong one is a failure. Both convert by (f − 32) · 5/9, the function in doubles, the model in float32. Both run with the same CPU and memory, which was read from the running pods. Trials are interleaved (function, TensorFlow Serving, TensorFlow Serving, function, …), so that a drift of the machine meets both. A load that misses one of the rules of validity is INVALID, and its figures are left out: a busy generator, a rate that was not kept, wrong answers, too many failures, replicas without work, no steady state.`,
      ),
      {
        kind: 'figure',
        svg: readFileSync(join(import.meta.dirname, 'setup.svg'), 'utf8'),
        caption: 'What runs where. Without a cluster, processes on one machine stand in the places of the pods.',
        alt: 'The compare command installs the charts; the Locust job loads one target after the other through its Service; the autoscaler reads the metrics server; results come home through the log of the job.',
      },
      {
        kind: 'list',
        items: [
          `calibrate finds the ceiling of the generator. No rate is above ${most}.`,
          `autoscale offers both the same rate, in four steps up to that bound, over ${time('runTime')} s, to 1 to 5 replicas.`,
          `capacity loads one replica, CPU limit ${cpuLimit}, with 1, 2, 4, … up to ${number(users)} users who ask again at once, until throughput stops rising.`,
          `latency offers one replica half of the slower one’s capacity for ${time('latency')} s. Latency counts from when a request should have been sent, so that waiting behind a slow one counts too.`,
          'noise repeats latency with the function alone, twice each: what it differs by is noise.',
          'batch sends 1 to 10 000 values in a request, by 4 users.',
          `coldstart starts a pod ${time('coldStarts')} times, and times it to its first right answer.`,
        ],
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
        ],
        source: 'environment.json',
      },
    ],
  };
}

const SHARES = [0.5, 0.9, 0.95, 0.99, 0.999];

export async function latency(sides: Sides, noise: readonly Figure[]): Promise<Section | undefined> {
  const pairs = pairsOf(...sides, 'latency');
  const [pair] = pairs;
  if (!pair) return undefined;
  const parts = [pairs.map(([part]) => part), pairs.map(([, part]) => part)] as const;
  const rate = pair[0].read('steps')[0]?.offered_rate;
  const floors = noise.flatMap((figure) => {
    const floor = floorOf(figure);
    return floor === undefined ? [] : `${figure.name} ${number(Math.round((floor - 1) * 1000) / 10)} %`;
  });
  return {
    title: 'Latency at the same rate',
    blocks: [
      paragraph(
        `${counted(pairs.length, 'trial')} of each count, at ${number(rate ?? NaN)} requests/s, one replica. The slowest requests are what users notice, so the scale gives them room.` +
          (floors.length > 0
            ? ` Measured against itself, the function differs by up to (95 % interval): ${words(floors)}. Less than that is taken for noise.`
            : ''),
      ),
      await latencies(parts, sides),
      {
        kind: 'table',
        columns: [left('Percentile, ms'), ...sides.flatMap(({ label }) => [right(label), right('95 % interval')])],
        rows: SHARES.map((share) => [
          `${number(100 * share)} %`,
          ...parts.flatMap((some) => {
            const histograms = some.map((part) => latencyOf(part));
            const its = percentileInterval(histograms, share);
            const ms = (us: number) => number(us / 1000);
            return [ms(percentile(histograms, share)), its ? interval(its, ms) : 'too few requests'];
          }),
        ]),
        source: `latency/*/<target>_latency.csv, in steps of 10 µs; ${words(parts.map((some, index) => `${number(countOf(some.map((part) => latencyOf(part))))} answers of ${sides[index]?.name ?? ''}`))}`,
      },
    ],
  };
}

/** Of the highest throughput: from here on more users only wait longer. */
const KNEE_SHARE = 0.95;

export async function saturation(sides: Sides): Promise<Section | undefined> {
  const pairs = pairsOf(...sides, 'capacity');
  if (pairs.length === 0) return undefined;
  const parts = [pairs.map(([part]) => part), pairs.map(([, part]) => part)] as const;
  const rows = sides.flatMap(({ label }, index) => curve(parts[index] ?? [], label));
  const of = ({ label }: Side) => rows.filter(({ side }) => side === label);
  const kneeOf = (side: Side) => {
    const most = max(of(side).map(({ throughput }) => throughput));
    return of(side).find(({ throughput }) => throughput >= KNEE_SHARE * most)?.users ?? NaN;
  };
  const knees = [kneeOf(sides[0]), kneeOf(sides[1])] as const;
  const told = sides.map((side, index) => {
    const knee = of(side).find(({ users }) => users === knees[index]);
    return `${side.name} at ${counted(knees[index] ?? NaN, 'user')} with ${number(knee?.throughput ?? NaN)} right answers/s and a 99th percentile of ${number(knee?.p99 ?? NaN)} ms`;
  });
  return {
    title: 'Throughput of one replica',
    blocks: [
      paragraph(
        `${counted(pairs.length, 'trial')} of each count. The knee, where 95 % of the highest throughput is reached, is for ${words(told)}.`,
      ),
      await saturationChart(rows, parts, sides, knees),
      sideBySide(
        'Users',
        sides,
        rows,
        ({ users }) => users,
        {
          'right answers/s': ({ throughput }) => throughput,
          'p50, ms': ({ p50 }) => p50,
          'p99, ms': ({ p99 }) => p99,
        },
        'capacity/*/<target>_steps.csv and _latency.csv, all trials together',
      ),
    ],
  };
}

/** Of trials together; only numbers of users that each of them reached. */
function curve(parts: readonly Part[], side: string): Saturation[] {
  const users = [...new Set(parts.flatMap((part) => part.read('steps').map((step) => step.users)))].sort(
    (a, b) => a - b,
  );
  return users.flatMap((count) => {
    const steps = parts.flatMap((part) =>
      part
        .read('steps')
        .filter((step) => step.users === count)
        .map((step) => ({ part, step })),
    );
    if (steps.length < parts.length) return [];
    const histograms = steps.map(({ part, step }) => latencyOf(part, step.step));
    const answers = sum(steps.map(({ step }) => step.requests - step.failures));
    const seconds = sum(steps.map(({ step }) => step.end_s - step.start_s));
    return {
      side,
      users: count,
      throughput: answers / seconds,
      p50: percentile(histograms, 0.5) / 1000,
      p99: percentile(histograms, 0.99) / 1000,
    };
  });
}

export async function autoscaling(sides: Sides): Promise<Section | undefined> {
  const pairs = pairsOf(...sides, 'autoscale');
  const [pair] = pairs;
  if (!pair) return undefined;
  const value = (tell: (part: Part) => string): Cell[] => pair.map((part) => tell(part));
  return {
    title: 'Autoscaling',
    blocks: [
      paragraph(
        `Both get the same rate, in four steps, with 1 to 5 replicas. Shown is trial ${String(pair[0].trial)}, of ${String(pairs.length)} that count; the appendix has the others. Kubernetes scales down five minutes after a load at the earliest, so that no run of five minutes shows it.`,
      ),
      {
        kind: 'table',
        columns: [left('In this trial'), ...sides.map(({ label }) => right(label))],
        rows: [
          [
            'Most replicas that were ready',
            ...value((part) => number(max(part.read('timeline').map((row) => row.ready_replicas)))),
          ],
          [
            'More than one replica wanted, after s',
            ...value((part) => firstSecond(part, ({ desired_replicas }) => desired_replicas > 1)),
          ],
          [
            'More than one replica ready, after s',
            ...value((part) => firstSecond(part, ({ ready_replicas }) => ready_replicas > 1)),
          ],
          ['A second replica’s first answer, after s', ...value(secondAnswer)],
          ['Failed requests', ...value((part) => number(part.read('verdict').failures))],
          ['Median latency, ms', ...value((part) => number(percentile([latencyOf(part)], 0.5) / 1000))],
          ['99th percentile, ms', ...value((part) => number(percentile([latencyOf(part)], 0.99) / 1000))],
        ],
        source:
          'autoscale/<trial>/<target>_timeline.csv, _replicas.csv, _verdict.json, _latency.csv; the answers of TensorFlow Serving don’t tell which replica they come from',
      },
      await timeline(pair, sides),
    ],
  };
}

function firstSecond(
  part: Part,
  holds: (row: { desired_replicas: number; ready_replicas: number }) => boolean,
): string {
  const row = part.read('timeline').find(holds);
  return row ? number(Math.max(0, Math.round(row.timestamp_s - startOf(part)))) : 'never';
}

function secondAnswer(part: Part): string {
  if (!part.has('replicas')) return ABSENT;
  const row = answersOf(part).find(({ replica }) => replica === 2);
  return row ? number(row.second) : 'never';
}

/** What a node costs. */
export interface Price {
  dollarsPerHour: number;
  cpus: number;
}

export function cost(figures: readonly Figure[], sides: Sides, { dollarsPerHour, cpus }: Price): Section | undefined {
  const cpu = figures.find(({ key }) => key === 'cpu_per_request_us');
  if (!cpu?.values.every(Boolean)) return undefined;
  const dollars = (microseconds: number) => (microseconds * dollarsPerHour) / (cpus * 3600);
  return {
    title: 'Cost of a million requests',
    blocks: [
      paragraph(
        `A node of ${number(cpus)} CPUs for ${number(dollarsPerHour)} US dollars an hour is assumed (--node-price and --node-cpus set another one), and that its CPUs are used up. Only the target’s CPU counts: neither memory, nor network, nor what stands in front of it.`,
      ),
      {
        kind: 'table',
        columns: [
          left('A million requests'),
          ...sides.map(({ label }) => right(label)),
          right('Ratio (95 % interval)'),
        ],
        rows: [
          ['CPU, s', ...cpu.values.map((estimate) => number(estimate?.value ?? NaN)), ratioWithInterval(cpu.ratio)],
          [
            'US dollars',
            ...cpu.values.map((estimate) => number(dollars(estimate?.value ?? NaN))),
            ratioWithInterval(cpu.ratio),
          ],
        ],
        source: `CPU per request · ${number(dollarsPerHour)} ÷ ${number(cpus)} ÷ 3600`,
      },
    ],
  };
}

export async function batchSizes(sides: Sides): Promise<Section | undefined> {
  const pairs = pairsOf(...sides, 'batch');
  if (pairs.length === 0) return undefined;
  const rows = sides.flatMap(({ label }, index) =>
    batchRows(
      pairs.map((pair) => pair[index]).filter((part) => part !== undefined),
      label,
    ),
  );
  return {
    title: 'Batch size',
    blocks: [
      paragraph(`${counted(pairs.length, 'trial')} of each count; four users, one replica.`),
      sideBySide(
        'Values in a request',
        sides,
        rows,
        ({ batch }) => batch,
        { 'values/s': ({ values }) => values, 'p50, ms': ({ p50 }) => p50 },
        'batch/*/<target>_steps.csv and _latency.csv, all trials together',
      ),
      await batches(rows, sides),
    ],
  };
}

function batchRows(parts: readonly Part[], side: string): Batch[] {
  const sizes = [...new Set(parts.flatMap((part) => part.read('steps').map(({ batch }) => batch)))].sort(
    (a, b) => a - b,
  );
  return sizes.flatMap((batch) => {
    const steps = parts.flatMap((part) =>
      part
        .read('steps')
        .filter((step) => step.batch === batch)
        .map((step) => ({ part, step })),
    );
    const values =
      (batch * sum(steps.map(({ step }) => step.requests - step.failures))) /
      sum(steps.map(({ step }) => step.end_s - step.start_s));
    const p50 =
      percentile(
        steps.map(({ part, step }) => latencyOf(part, step.step)),
        0.5,
      ) / 1000;
    return values > 0 ? { side, batch, values, p50 } : [];
  });
}

export async function coldStart(sides: Sides): Promise<Section | undefined> {
  const [first = [], second = []] = sides.map((side) =>
    partsOf(side, 'coldstart').flatMap((part) => (part.has('coldstarts') ? part.read('coldstarts') : [])),
  );
  if (first.length === 0 || second.length === 0) return undefined;
  const stats = (tell: (times: number[]) => number) =>
    [first, second].map((starts) => number(tell(starts.map(({ first_answer_ms }) => first_answer_ms)) / 1000));
  return {
    title: 'Cold start',
    blocks: [
      await coldStarts([first, second], sides),
      {
        kind: 'table',
        columns: [left('First right answer, s'), ...sides.map(({ label }) => right(label))],
        rows: [
          ['Starts', number(first.length), number(second.length)],
          ['Quickest', ...stats((times) => Math.min(...times))],
          ['Median', ...stats(median)],
          ['Slowest', ...stats((times) => Math.max(...times))],
        ],
        source: 'coldstart/1/<target>_coldstarts.csv: first_answer_ms. The images were on the node already',
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

/** Every trial, those that don't count too. */
export function appendix(sides: Sides): Section {
  const parts = sides[0].measurements.parts.filter((part) => part.has('verdict'));
  const labelOf = (part: Part) => sides.find(({ target }) => target === part.target)?.label ?? '';
  const invalid = parts.filter((part) => !isValid(part) && part.experiment !== 'calibrate');
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
    blocks: [
      table,
      ...invalid.map((part): Block => ({
        kind: 'alert',
        text: `INVALID: ${part.experiment}/${String(part.trial)} of ${labelOf(part)}. ${part.reasons.join(' ')}`,
      })),
    ],
  };
}
