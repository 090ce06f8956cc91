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
  startsIn,
  trialsInWords,
  unlikeNodes,
  valuesOf,
} from '../conditions.ts';
import { left, paragraph, type Block } from '../document.ts';
import { ABSENT, numbersInWords, number, upperFirst, words } from '../format.ts';
import { formerExperiments } from '../former.ts';
import { bareLoadOf, zeroStartsOf, type Measurements } from '../measurements.ts';
import { allTargets, askedBy, measuredTwice, type Targets, isFew } from '../targets.ts';
import type { Material, SectionDefinition } from './section.ts';

export const method: SectionDefinition = { title: 'Method', blocks };

/** An option of the load test, as each verdict has it; it sent evenly before it had this one. */
const settingsSchema = v.object({ arrivals: v.optional(v.string(), 'even') });

function blocks({ targets }: Material): Block[] {
  const [{ measurements }] = targets;
  const { parts } = measurements;
  const isThere = (name: ExperimentName) => parts.some(({ experiment }) => experiment === name);
  return [
    paragraph(fairness(targets)),
    ...howAsked(targets),
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
        'The compare command installs the servers. The Locust job loads one target after the other through its ' +
        'Service. The autoscalers read the metrics API. The results come home through the log of the job.',
    },
    {
      kind: 'list',
      items: experimentsOf(targets)
        .filter(([name]) => isThere(name))
        .map((texts) => texts.join(' ')),
    },
    ...(isThere('sweep') ? [paragraph(BETWEEN_RATES)] : []),
    paragraph(
      'Percentiles come from the histograms of all trials merged; they are never means of percentiles. Their ' +
        'intervals rest on order statistics. The intervals of the ratios rest on pairs of trials: with six trials or ' +
        'more by bootstrap, with fewer by Student’s t of the logarithms. One or two trials say little, and the ' +
        'report says so.',
    ),
  ];
}

/** How figures of the sweep come from the rates that were offered. */
const BETWEEN_RATES =
  'The rate within a bound lies between the last rate within it and the first one outside, on a line of logarithms, and ' +
  'so does a latency at a rate between two that were offered. More load can’t make a server faster: where a percentile ' +
  'falls as the rate rises, the mean of the logarithms takes the place of both (isotonic regression). A rate counts as ' +
  'sustained if each trial sustained it. A request that failed, or got a wrong answer, is outside every bound. A target ' +
  'outside the bound at the lowest rate has 0; one within it at the highest rate that could be sent has “at least” that. ' +
  'CPU at a rate is the rise of the counters from the step below it to the step above, ÷ the requests meanwhile. The ' +
  'load generator’s own part is that of a bare server at the same rates and instants, between two rates in the same way.';

/** What makes the comparison a fair one. */
function fairness(targets: Targets): string {
  const [{ measurements }] = targets;
  const { seed, mode } = measurements.environment;
  const [verdict] = measurements.parts.flatMap((part) => (part.has('verdict') ? part.read('verdict') : []));
  const settings = v.safeParse(settingsSchema, verdict?.settings);
  const isRandom = settings.success && settings.output.arrivals !== 'even';
  const order = turns(targets, measurements);
  const asked = howAsked(targets).length > 0 ? undefined : askedBy(targets);
  const isUnlike = unlikeNodes(targets) !== undefined;
  return [
    `One load generator, Locust, asks ${allTargets(targets)} for the same values (seed ${seed}), one target at a time.`,
    ...(isRandom
      ? [
          'Requests come at random instants, as from independent clients: the gaps are exponential. In one trial they ' +
            'are the same for all targets, and each trial has its own.',
        ]
      : []),
    ...(asked === undefined ? [] : [`${asked}.`]),
    'It checks every answer: a wrong one counts as a failure.',
    mode === 'cluster'
      ? `${upperFirst(allTargets(targets))} run with the same ${isUnlike ? 'requests and limits of ' : ''}CPU and memory, as ` +
        `read from the running pods${isUnlike ? ', but the nodes have unlike CPUs' : ''}.`
      : `${upperFirst(allTargets(targets))} run on one machine, ${cpuLimit(targets, 'sweep')}.`,
    ...(order ? [`The targets take turns (${order}), so that a drift of the machine affects them alike.`] : []),
  ].join(' ');
}

/** How each target is asked, and what is right; empty of a run that does not tell. */
function howAsked(targets: Targets): Block[] {
  const rows = targets.flatMap(({ label, asks, answer = ABSENT }) =>
    asks ? [[label, asks.one, asks.many ?? ABSENT, answer]] : [],
  );
  if (rows.length === 0) return [];
  const columns = ['Target', 'One value', 'Many values', 'Right answer'].map(left);
  return [{ kind: 'table', columns, rows, source: 'environment.json: interfaces, as the servers file says it' }];
}

/** A sentence or two for each experiment, by its name. */
function experimentsOf(targets: Targets): [name: ExperimentName, about: string][] {
  const [{ measurements }] = targets;
  const { environment } = measurements;
  const lasts = (experiment: ExperimentName) => duration(measurements, experiment);

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
  const [twin] = measuredTwice(measurements) ?? [];
  const twice = twin
    ? `${upperFirst(twin.name)} is asked twice in each, under two names: what these differ by is noise.`
    : '';
  const fromZero = targets.filter((target) => zeroStartsOf(target).length > 0);
  return [
    [
      'calibrate',
      `finds what the load generator can send to a bare server${isFew(targets) ? `: ${words(ceilings)}` : ', in the form of each target'}.${bound}` +
        (targets.some((target) => bareLoadOf(target, 'floor')) ? ` ${OF_GENERATOR}` : ''),
    ],
    [
      'autoscale',
      `offers ${allTargets(targets)} the same rates (${ratesOf(measurements, 'autoscale')} requests/s, each ` +
        `${lasts('autoscale')}), with ${replicaBounds(targets)}, each ${cpuLimit(targets, 'autoscale')}; ` +
        `${trialsInWords(targets, 'autoscale')}.`,
    ],
    [
      'sweep',
      `offers one replica, ${cpuLimit(targets, 'sweep')}, rising rates up to the first that it doesn’t sustain, and more ` +
        `of them where it crosses a bound of latency; each ${lasts('sweep')}. A step lasts until ten requests are slower ` +
        'than its percentile, a number that varies by a third (a p99 needs 1,000 requests), but at most a minute; ' +
        `${trialsInWords(targets, 'sweep')}. ${twice} No rate is higher than the load generator can send.`,
    ],
    ...formerExperiments(targets),
    [
      'batch',
      `sends ${numbersInWords(valuesOf(measurements, 'batch', 'batch'))} values in a request to one replica, ` +
        `${cpuLimit(targets, 'batch')}, each size ${lasts('batch')}; ` +
        `${trialsInWords(targets, 'batch')}.`,
    ],
    [
      'coldstart',
      `starts a replica of each target ${startsIn(targets, 'coldstart')} times, and times it to its first right answer.`,
    ],
    [
      'scale-from-zero',
      `asks ${words(fromZero.map(({ name }) => name))} on Knative ${startsIn(targets, 'scale-from-zero')} times when no ` +
        'pod of it runs, and times the answer.',
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

/** In which order the targets were loaded, such as `FastAPI, the Go service, …`; empty where only one was. */
function turns(targets: Targets, { parts }: Measurements): string {
  const nameOf = new Map(targets.map(({ key, name }) => [key, name]));
  const loads = parts.filter(
    (part) => part.has('steps') && !['calibrate', 'noise'].includes(part.experiment) && nameOf.has(part.target),
  );
  const [longest = []] = Object.values(Object.groupBy(loads, ({ experiment }) => experiment)).sort(
    (a, b) => b.length - a.length,
  );
  if (new Set(longest.map(({ target }) => target)).size < 2) return '';
  const startOf = (part: (typeof parts)[number]) => part.read('steps').at(0)?.start_s ?? 0;
  const names = longest.toSorted((a, b) => startOf(a) - startOf(b)).map(({ target }) => nameOf.get(target) ?? '');
  return [...names.slice(0, NAMED_TURNS), ...(names.length > NAMED_TURNS ? ['…'] : [])].join(', ');
}
