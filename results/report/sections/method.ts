// How it was measured: what makes the comparison a fair one, what ran where, and what each experiment does.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { ExperimentName } from '../../files.ts';
import {
  cpuLimit,
  duration,
  ratesOf,
  replicaBounds,
  span,
  startsIn,
  trialsInWords,
  unlikeNodes,
  valuesOf,
} from '../conditions.ts';
import { paragraph, type Block } from '../document.ts';
import { counted, numbersInWords, number, upperFirst, words } from '../format.ts';
import { bareLoadOf, type Measurements } from '../measurements.ts';
import { allTargets, askedBy, type Targets } from '../targets.ts';
import type { Material, SectionDefinition } from './section.ts';

export const method: SectionDefinition = { title: 'Method', blocks };

/** Options of the load test, as each verdict has them. */
const temperaturesSchema = v.object({ 'min-fahrenheit': v.number(), 'max-fahrenheit': v.number() });

function blocks({ targets }: Material): Block[] {
  const [{ measurements }] = targets;
  const { parts } = measurements;
  const isThere = (name: ExperimentName) => parts.some(({ experiment }) => experiment === name);
  return [
    paragraph(fairness(targets)),
    paragraph(
      'A load is INVALID, and its figures are left out, if it breaks one of the rules of validity: the load ' +
        'generator was too busy or late, it missed the offered rate, an answer was wrong, too many requests failed, ' +
        'a ready replica got no work, or no steady state was reached. A target that doesn’t sustain a rate is a ' +
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
      items: experimentsOf(targets)
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
function fairness(targets: Targets): string {
  const [{ measurements }] = targets;
  const { seed, mode } = measurements.environment;
  const [verdict] = measurements.parts.flatMap((part) => (part.has('verdict') ? part.read('verdict') : []));
  const settings = v.safeParse(temperaturesSchema, verdict?.settings);
  const range = settings.success
    ? `${span([settings.output['min-fahrenheit'], settings.output['max-fahrenheit']]).replaceAll('-', '−')} °F, `
    : '';
  const order = turns(targets, measurements);
  const asked = askedBy(targets);
  const isUnlike = unlikeNodes(targets) !== undefined;
  return [
    `One load generator, Locust, sends the same temperatures (${range}seed ${seed}) to ${allTargets(targets)},`,
    'one target at a time.',
    ...(asked === undefined ? [] : [`${asked}.`]),
    'It checks every answer: a wrong one counts as a failure.',
    'The answers are (f − 32) · 5/9, of the function in doubles, of the model in float32.',
    mode === 'cluster'
      ? `${upperFirst(allTargets(targets))} run with the same ${isUnlike ? 'requests and limits of ' : ''}CPU and memory, as ` +
        `read from the running pods${isUnlike ? ', but the nodes have unlike CPUs' : ''}.`
      : `${upperFirst(allTargets(targets))} run on one machine, ${cpuLimit(targets, 'capacity')}.`,
    ...(order ? [`The targets take turns (${order}), so that a drift of the machine affects them alike.`] : []),
  ].join(' ');
}

/** A sentence or two for each experiment, by its name. */
function experimentsOf(targets: Targets): [name: ExperimentName, about: string][] {
  const [{ measurements }] = targets;
  const { environment } = measurements;
  const lasts = (experiment: ExperimentName) => duration(measurements, experiment);
  const batchUsers = valuesOf(measurements, 'batch', 'users').at(-1) ?? NaN;

  const ceilings = targets.flatMap(({ key, name }) => {
    const [closed, open] = [environment.ceiling?.requestsPerSecond, environment.ceiling?.openRequestsPerSecond].map(
      (rates) => rates?.[key],
    );
    if (closed === undefined) return [];
    const atRate = open === undefined ? '' : `, and ${number(open)} at a given rate,`;
    return [`${number(closed)} requests/s${atRate} in the form that ${name} takes`];
  });
  const bound = environment.ceiling
    ? ` No load offers a higher rate than ${number(environment.ceiling.bound)} requests/s, which is ` +
      `${number(Math.round(100 * environment.ceiling.share))} % of the lowest of these.`
    : '';
  return [
    [
      'calibrate',
      `finds what the load generator can send to a bare server: ${words(ceilings)}.${bound}` +
        (targets.some((target) => bareLoadOf(target, 'floor')) ? ` ${OF_GENERATOR}` : ''),
    ],
    [
      'autoscale',
      `offers ${allTargets(targets)} the same rates (${ratesOf(measurements, 'autoscale')} requests/s, each ` +
        `${lasts('autoscale')}), with ${replicaBounds(targets)}, each ${cpuLimit(targets, 'autoscale')}; ` +
        `${trialsInWords(targets, 'autoscale')}.`,
    ],
    [
      'capacity',
      `loads one replica, ${cpuLimit(targets, 'capacity')}, with ${numbersInWords(valuesOf(measurements, 'capacity', 'users'))} ` +
        `users, each number ${lasts('capacity')}, until throughput stops rising. A user asks again as soon as the ` +
        `answer is there; ${trialsInWords(targets, 'capacity')}.`,
    ],
    [
      'latency',
      `offers one replica, ${cpuLimit(targets, 'latency')}, a steady ${ratesOf(measurements, 'latency')} requests/s, ` +
        `${lasts('latency')}; ${trialsInWords(targets, 'latency')}. Latency counts from the moment when a request should ` +
        'have been sent, so waiting behind a slow one counts too.',
    ],
    [
      'noise',
      `repeats latency with the function alone, in ${trialsInWords(targets, 'noise')}. Whatever two of these loads differ ` +
        'by is noise.',
    ],
    [
      'batch',
      `sends ${numbersInWords(valuesOf(measurements, 'batch', 'batch'))} values in a request to one replica, ` +
        `${cpuLimit(targets, 'batch')}, from ${counted(batchUsers, 'user')}, each size ${lasts('batch')}; ` +
        `${trialsInWords(targets, 'batch')}.`,
    ],
    [
      'coldstart',
      `starts a replica of each target ${startsIn(targets, 'coldstart')} times, and times it to its first right answer.`,
    ],
    [
      'scale-from-zero',
      `asks the function on Knative ${startsIn(targets, 'scale-from-zero')} times when no pod of it runs, and times ` +
        'the answer.',
    ],
  ];
}

/** How a latency is known to be the load generator's own, and what follows. */
const OF_GENERATOR =
  'A bare server that only answers is also asked in the form of each target, at the rates at which latencies are ' +
  'compared. What two bare servers differ by is the load generator’s own: its client, the form of the request, and how ' +
  'late it sends. A latency has a winner only if at most half of the difference between the targets is of this kind, ' +
  'and equal servers would not show a ratio within its interval: percentiles of two loads can’t be subtracted exactly, ' +
  'so a difference counts where the servers make most of it.';

/** How many of the turns are named. */
const NAMED_TURNS = 4;

/** In which order the targets were loaded, such as `the function, TensorFlow Serving, …`; empty where only one was. */
function turns(targets: Targets, { parts }: Measurements): string {
  const nameOf = new Map(targets.map(({ key, name }) => [key, name]));
  const loads = parts.filter((part) => part.has('steps') && !['calibrate', 'noise'].includes(part.experiment));
  const [longest = []] = Object.values(Object.groupBy(loads, ({ experiment }) => experiment)).sort(
    (a, b) => b.length - a.length,
  );
  if (new Set(longest.map(({ target }) => target)).size < 2) return '';
  const startOf = (part: (typeof parts)[number]) => part.read('steps').at(0)?.start_s ?? 0;
  const names = longest.toSorted((a, b) => startOf(a) - startOf(b)).map(({ target }) => nameOf.get(target) ?? '');
  return [...names.slice(0, NAMED_TURNS), ...(names.length > NAMED_TURNS ? ['…'] : [])].join(', ');
}
