// The sections of the report about how it was measured, how far to trust it, and how to repeat it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import * as v from 'valibot';
import { toCelsius } from '../../function/src/celsius.ts';
import type { Sides } from './charts.ts';
import { left, paragraph, right, type Block, type Cell, type Section, type Table } from './document.ts';
import { ABSENT, counted, number, paragraphsOf, percent, upperFirst, words } from './format.ts';
import {
  isValid,
  loadsOf,
  startsOf,
  throttledShare,
  zeroStartsOf,
  type Measurements,
  type Part,
  type Side,
} from './measurements.ts';
import { boundShare, cpuLimit, list, replicaBounds, secondsOf, span, turns, valuesOf } from './plan.ts';
import type { Price } from './sections.ts';
import { threatsOf } from './threats.ts';

/** Titles of sections that the first page refers to. */
export const THREATS = 'Threats to validity';
const APPENDIX = 'Appendix: each load';

/** Members of environment.json's `options` that are told here; runs of other versions may lack them. */
const optionsSchema = v.object({ arguments: v.fallback(v.array(v.string()), []) });

/** Options of the load test, as each verdict has them. */
const temperaturesSchema = v.object({ 'min-fahrenheit': v.number(), 'max-fahrenheit': v.number() });

export function method(sides: Sides): Section {
  const [{ measurements }] = sides;
  const { parts } = measurements;
  const isThere = (name: string) => parts.some(({ experiment }) => experiment === name);
  return {
    title: 'Method',
    blocks: [
      paragraph(fairness(sides)),
      paragraph(
        'A load is INVALID, and its figures are left out, if it breaks one of the rules of validity: the load generator ' +
          'was too busy or late, it missed the promised rate, an answer was wrong, too many requests failed, a ready replica ' +
          'got no work, or no steady state was reached. A target that can’t keep up with a rate is a finding: the report ' +
          'tells what it answered, and no latency at that rate.',
      ),
      {
        kind: 'figure',
        svg: readFileSync(join(import.meta.dirname, 'setup.svg'), 'utf8'),
        caption: 'What runs where. Without a cluster, processes on one machine take the places of the pods.',
        alt:
          'The compare command installs the charts. The Locust job loads one target after the other through its ' +
          'Service. The autoscalers read the metrics API. The results come home through the log of the job.',
      },
      {
        kind: 'list',
        items: experimentsOf(sides)
          .filter(([name]) => isThere(name))
          .map((texts) => texts.join(' ')),
      },
      paragraph(
        'Percentiles come from the histograms of all trials merged; they are never means of percentiles. Their intervals ' +
          'rest on order statistics. The intervals of the ratios rest on pairs of trials: with six trials or more by ' +
          'bootstrap, with fewer by Student’s t of the logarithms. One or two trials say little, and the report says so.',
      ),
    ],
  };
}

/** What makes the comparison a fair one. */
function fairness(sides: Sides): string {
  const [{ measurements }] = sides;
  const { seed, mode } = measurements.environment;
  const [verdict] = measurements.parts.flatMap((part) => (part.has('verdict') ? part.read('verdict') : []));
  const asked = v.safeParse(temperaturesSchema, verdict?.settings);
  const range = asked.success
    ? `${span([asked.output['min-fahrenheit'], asked.output['max-fahrenheit']]).replaceAll('-', '−')} °F, `
    : '';
  const order = turns(sides, measurements);
  return [
    `One load generator, Locust, sends the same temperatures (${range}seed ${seed}) to both targets, one target at a time.`,
    'It checks every answer: a wrong one counts as a failure.',
    'Both targets convert by (f − 32) · 5/9, the function in doubles, the model in float32.',
    mode === 'cluster'
      ? 'Both run with the same CPU and memory, as read from the running pods.'
      : `Both run on one machine, ${cpuLimit(sides, 'capacity')}.`,
    ...(order ? [`The targets take turns (${order}), so that a drift of the machine affects both alike.`] : []),
  ].join(' ');
}

/** A sentence or two for each experiment, by its name. */
function experimentsOf(sides: Sides): [name: string, about: string][] {
  const [{ measurements }] = sides;
  const { environment } = measurements;
  const usersOf = (name: string) => valuesOf(measurements, name, ({ users }) => users);
  const ratesOf = (name: string) => valuesOf(measurements, name, (step) => step.offered_rate);
  const timesOf = (name: string) => `${span(valuesOf(measurements, name, secondsOf))} s`;
  const starts = sides.map((side) => startsOf(side).length).filter((count) => count > 0);
  const trialsOfNoise = measurements.parts.filter(({ experiment }) => experiment === 'noise').length;

  const share = boundShare(measurements);
  const ceilings = sides.flatMap(({ target, name }) => {
    const [closed, open] = [environment.ceiling?.requestsPerSecond, environment.ceiling?.openRequestsPerSecond].map(
      (rates) => rates?.[target],
    );
    if (closed === undefined) return [];
    const atRate = open === undefined ? '' : `, and ${number(open)} at a given rate,`;
    return [`${number(closed)} requests/s${atRate} in the form that ${name} takes`];
  });
  const bound =
    environment.ceiling && share !== undefined
      ? ` No load offers a higher rate than ${number(environment.ceiling.bound)} requests/s, which is ${number(Math.round(100 * share))} % of the lowest of these.`
      : '';
  return [
    ['calibrate', `finds what the load generator can send to a bare server: ${words(ceilings)}.${bound}`],
    [
      'autoscale',
      `offers both targets the same rates (${list(ratesOf('autoscale'))} requests/s, measured for ${timesOf('autoscale')} each), ` +
        `with ${replicaBounds(sides)}, each ${cpuLimit(sides, 'autoscale')}.`,
    ],
    [
      'capacity',
      `loads one replica, ${cpuLimit(sides, 'capacity')}, with ${list(usersOf('capacity'))} users until throughput stops ` +
        'rising. A user asks again as soon as the answer is there.',
    ],
    [
      'latency',
      `offers one replica, ${cpuLimit(sides, 'latency')}, a steady ${span(ratesOf('latency'))} requests/s for ${timesOf('latency')}. ` +
        'Latency counts from the moment when a request should have been sent, so waiting behind a slow one counts too.',
    ],
    [
      'noise',
      `repeats latency with the function alone, ${counted(trialsOfNoise, 'time')}. Whatever two of these loads differ by is noise.`,
    ],
    [
      'batch',
      `sends ${list(valuesOf(measurements, 'batch', ({ batch }) => batch))} values in a request to one replica, ` +
        `${cpuLimit(sides, 'batch')}, from ${counted(usersOf('batch').at(-1) ?? NaN, 'user')}.`,
    ],
    [
      'coldstart',
      `starts a replica of each target ${span(starts.sort((a, b) => a - b))} times, and times it to its first right answer.`,
    ],
    [
      'scale-from-zero',
      `asks the function on Knative ${counted(zeroStartsOf(sides[0]).length, 'time')} when no pod of it runs, and times the answer.`,
    ],
  ];
}

/** @param titles of the runs' columns, where there are several */
export function environment(runs: readonly Measurements[], titles: readonly string[] = ['Value']): Section {
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
  const pairs = (values: Record<string, string>) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  return {
    title: 'Environment',
    blocks: [
      {
        kind: 'table',
        columns: [left('What'), ...titles.map(left)],
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
              its ? `requests ${pairs(its.requests)}; limits ${pairs(its.limits)}` : '',
            ),
          ),
          ...images.map((name) =>
            of(`Image ${name}`, (each) =>
              [each.images[name]?.reference, each.images[name]?.id].filter(Boolean).join(' '),
            ),
          ),
          of('Commit', ({ git }) => (git ? `${git.commit}${git.dirty ? ', and files that differ from it' : ''}` : '')),
          of('Seed', ({ seed }) => String(seed)),
          of('Ceiling of the generator', ({ ceiling }) => (ceiling ? ceilingInWords(ceiling.requestsPerSecond) : '')),
          of('The same at a given rate', ({ ceiling }) => ceilingInWords(ceiling?.openRequestsPerSecond ?? {})),
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

/** @param rates requests/s by target */
function ceilingInWords(rates: Readonly<Record<string, number>>): string {
  return Object.entries(rates)
    .map(([target, rate]) => `${target} ${number(rate)} requests/s`)
    .join(', ');
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
        'The function computes in doubles, the model in float32. This table works out from the formula how far each is from ' +
          'the exact temperature. Every answer of every load was checked as well: the model’s to within the tolerance ' +
          '(“allowed”), and a wrong one counted as a failure.',
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
  const { note } = measurements.environment;
  return {
    title: THREATS,
    blocks: [
      ...(note === undefined
        ? []
        : [
            paragraph('Whoever made this run notes:'),
            { kind: 'list' as const, items: paragraphsOf(note) },
            paragraph('And these hold, by the files of the run or for any run of this kind:'),
          ]),
      { kind: 'list', items: threatsOf(measurements) },
    ],
  };
}

export function repetition({ name, checksum, environment }: Measurements, { dollarsPerHour, cpus }: Price): Section {
  const { arguments: given } = v.parse(optionsSchema, environment.options);
  const options = given.length > 0 ? ` -- ${given.map(quoted).join(' ')}` : '';
  const { git } = environment;
  const measure = [...(git ? [`git checkout ${git.commit}`] : []), 'npm ci', `npm run compare${options}`];
  const report = `npm run report -- results/${name} --node-price ${dollarsPerHour} --node-cpus ${cpus}`;
  return {
    title: 'Repeat it',
    blocks: [
      paragraph(
        'With the three images in the cluster, as README.md explains, these commands measure the same again:' +
          (git?.dirty ? ' (Files differed from this commit when the run was made.)' : ''),
      ),
      { kind: 'code', text: measure.join('\n') },
      paragraph('This command makes this report again, to the same bytes, from the files of the run:'),
      { kind: 'code', text: report },
      paragraph(`Those files have the SHA-256 ${checksum}; results/README.md says how to work it out.`),
    ],
  };
}

function quoted(argument: string): string {
  return /^[\w.,:/=@+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}

/** How many loads don't count: one line for the first page, where it must not push the answer down. */
export function invalidLoads(sides: Sides): Block[] {
  const loads = sides.flatMap(({ measurements, target }) =>
    loadsOf(measurements).filter((part) => part.target === target),
  );
  const invalid = loads.filter((part) => !isValid(part));
  if (invalid.length === 0) return [];
  const verb = invalid.length === 1 ? 'doesn’t' : 'don’t';
  return [
    { kind: 'alert', text: `${invalid.length} of ${counted(loads.length, 'load')} ${verb} count`, see: APPENDIX },
  ];
}

/** Every load of one run or of several, with the reasons of those that don't count. */
export function appendix(sides: readonly Side[]): Section {
  const runs = [...new Set(sides.map(({ measurements }) => measurements))];
  const nameOf = (part: Part) =>
    sides.find(({ target, measurements }) => target === part.target && measurements.parts.includes(part))?.name ??
    part.target;
  const parts = runs.flatMap((run) => run.parts.filter((part) => part.has('verdict')));
  const showsThrottling = parts.some((part) => throttledShare(part) !== undefined);
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
      ...(showsThrottling ? [right('Throttled')] : []),
    ],
    rows: parts.map((part) => {
      const { verdict, requests, failures, throughput, p50Us, p99Us, generator } = part.read('verdict');
      const ms = (us: number | null) => number((us ?? NaN) / 1000);
      // Calibration looks for the load generator's ceiling: that it is the bottleneck there is no fault.
      const text = part.experiment === 'calibrate' ? 'ceiling' : verdict;
      const cell = text === 'INVALID' ? { alert: text } : text;
      return [
        `${part.experiment}/${part.trial}`,
        upperFirst(nameOf(part)),
        cell,
        number(requests),
        number(failures),
        number(throughput),
        ms(p50Us),
        ms(p99Us),
        number(generator.cpuCores ?? NaN),
        ...(showsThrottling ? [percent(throttledShare(part))] : []),
      ];
    }),
    source:
      '*/*/<target>_verdict.json; latencies from the sending of the requests, failed ones included' +
      (showsThrottling ? '; the share of CPU periods in which the target stood at its limit: _throttling.csv' : ''),
  };
  const invalid = runs.flatMap(loadsOf).filter((part) => !isValid(part));
  const alerts = invalid.map((part): Block => {
    const { experiment, trial, reasons } = part;
    return { kind: 'alert', text: `INVALID: ${experiment}/${trial} of ${nameOf(part)}. ${reasons.join(' ')}` };
  });
  return { title: APPENDIX, blocks: [table, ...alerts] };
}
