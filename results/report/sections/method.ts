// How it was measured: what makes the comparison a fair one, what ran where, and what each experiment does.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { min } from 'simple-statistics';
import * as v from 'valibot';
import type { Row } from '../../files.ts';
import { paragraph, type Block } from '../document.ts';
import { counted, list, number, words } from '../format.ts';
import { startsOf, zeroStartsOf, type Measurements, type Side } from '../measurements.ts';
import { cpuLimit, replicaBounds, valuesOf } from '../plan.ts';
import type { Sides } from '../sides.ts';
import type { Material, SectionDefinition } from './definition.ts';

export const method: SectionDefinition = { title: 'Method', blocks };

/** Options of the load test, as each verdict has them. */
const temperaturesSchema = v.object({ 'min-fahrenheit': v.number(), 'max-fahrenheit': v.number() });

function blocks({ sides }: Material): Block[] {
  const [{ measurements }] = sides;
  const { parts } = measurements;
  const isThere = (name: string) => parts.some(({ experiment }) => experiment === name);
  return [
    paragraph(fairness(sides)),
    paragraph(
      'A load is INVALID, and its figures are left out, if it breaks one of the rules of validity: the load ' +
        'generator was too busy or late, it missed the promised rate, an answer was wrong, too many requests failed, ' +
        'a ready replica got no work, or no steady state was reached. A target that can’t keep up with a rate is a ' +
        'finding: the report tells what it answered, and no latency at that rate.',
    ),
    {
      kind: 'picture',
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
      'Percentiles come from the histograms of all trials merged; they are never means of percentiles. Their ' +
        'intervals rest on order statistics. The intervals of the ratios rest on pairs of trials: with six trials or ' +
        'more by bootstrap, with fewer by Student’s t of the logarithms. One or two trials say little, and the ' +
        'report says so.',
    ),
  ];
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
    `One load generator, Locust, sends the same temperatures (${range}seed ${seed}) to both targets,`,
    'one target at a time.',
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
      ? ` No load offers a higher rate than ${number(environment.ceiling.bound)} requests/s, which is ` +
        `${number(Math.round(100 * share))} % of the lowest of these.`
      : '';
  return [
    ['calibrate', `finds what the load generator can send to a bare server: ${words(ceilings)}.${bound}`],
    [
      'autoscale',
      `offers both targets the same rates (${list(ratesOf('autoscale'))} requests/s, measured for ` +
        `${timesOf('autoscale')} each), with ${replicaBounds(sides)}, each ${cpuLimit(sides, 'autoscale')}.`,
    ],
    [
      'capacity',
      `loads one replica, ${cpuLimit(sides, 'capacity')}, with ${list(usersOf('capacity'))} users until throughput ` +
        'stops rising. A user asks again as soon as the answer is there.',
    ],
    [
      'latency',
      `offers one replica, ${cpuLimit(sides, 'latency')}, a steady ${span(ratesOf('latency'))} requests/s for ` +
        `${timesOf('latency')}. Latency counts from the moment when a request should have been sent, so waiting ` +
        'behind a slow one counts too.',
    ],
    [
      'noise',
      `repeats latency with the function alone, ${counted(trialsOfNoise, 'time')}. Whatever two of these loads ` +
        'differ by is noise.',
    ],
    [
      'batch',
      `sends ${list(valuesOf(measurements, 'batch', ({ batch }) => batch))} values in a request to one replica, ` +
        `${cpuLimit(sides, 'batch')}, from ${counted(usersOf('batch').at(-1) ?? NaN, 'user')}.`,
    ],
    [
      'coldstart',
      `starts a replica of each target ${span(starts.sort((a, b) => a - b))} times, and times it to its first right ` +
        'answer.',
    ],
    [
      'scale-from-zero',
      `asks the function on Knative ${counted(zeroStartsOf(sides[0]).length, 'time')} when no pod of it runs, and ` +
        'times the answer.',
    ],
  ];
}

/** Such as `115`, or `69 to 70`. */
function span(values: readonly number[]): string {
  return [...new Set([values.at(0) ?? NaN, values.at(-1) ?? NaN])].map(number).join(' to ');
}

/** The measured time of a step, in seconds. */
function secondsOf({ start_s, end_s }: Row<'steps'>): number {
  return end_s - start_s;
}

/**
 * The highest rate that may be offered, as a share of the load generator's lowest ceiling in the open loop, or if it
 * was calibrated in the closed loop only, there; undefined without one.
 */
function boundShare({ environment: { ceiling } }: Measurements): number | undefined {
  const ceilings = Object.values(ceiling?.openRequestsPerSecond ?? ceiling?.requestsPerSecond ?? {});
  return ceiling && ceilings.length > 0 ? ceiling.bound / min(ceilings) : undefined;
}

/** How many of the turns are named. */
const NAMED_TURNS = 4;

/** In which order the sides were loaded, such as `the function, TensorFlow Serving, …`; empty where only one was. */
function turns(sides: readonly Side[], { parts }: Measurements): string {
  const nameOf = new Map(sides.map(({ target, name }) => [target, name]));
  const loads = parts.filter((part) => part.has('steps') && !['calibrate', 'noise'].includes(part.experiment));
  const [longest = []] = Object.values(Object.groupBy(loads, ({ experiment }) => experiment))
    .map((its) => its ?? [])
    .sort((a, b) => b.length - a.length);
  if (new Set(longest.map(({ target }) => target)).size < 2) return '';
  const startOf = (part: (typeof parts)[number]) => part.read('steps').at(0)?.start_s ?? 0;
  const names = longest.toSorted((a, b) => startOf(a) - startOf(b)).map(({ target }) => nameOf.get(target) ?? '');
  return [...names.slice(0, NAMED_TURNS), ...(names.length > NAMED_TURNS ? ['…'] : [])].join(', ');
}
