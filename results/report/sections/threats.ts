// What speaks against trusting the figures: what this run lacked, and what no such run can have.

import { FORMER_NAMES } from '../../files.ts';
import { BOOTSTRAP_TRIALS } from '../../statistics.ts';
import { unlikeAutoscalers, unlikeNodes } from '../conditions.ts';
import { list, paragraph, type Block } from '../document.ts';
import { counted, number, paragraphsOf, upperFirst } from '../format.ts';
import { isValid, loadsOf, partsOf } from '../measurements.ts';
import { askedBy, measuredTwice, type Targets } from '../targets.ts';
import type { Material, SectionDefinition } from './section.ts';

export const threats: SectionDefinition = { title: 'Threats to validity', blocks };

function blocks({ targets }: Material): Block[] {
  const { note } = targets[0].measurements.environment;
  return [
    ...(note === undefined
      ? []
      : [
          paragraph('Whoever made this run notes:'),
          list(paragraphsOf(note)),
          paragraph('And these hold, by the files of the run or for any run of this kind:'),
        ]),
    list(threatsOf(targets)),
  ];
}

/** Above this, and up to the verdict’s limit of 0.9, the load generator is busy enough to add to the latencies. */
const HEADROOM_CORES = 0.6;

/** Time that the hypervisor gives to others shows in a tail latency from about here on: 2 % of a core. */
const DISTURBED_CORES = 0.02;

/** Sentences; what is special to this run comes first. */
function threatsOf(targets: Targets): string[] {
  const { measurements } = targets[0];
  const { environment } = measurements;
  const { comparison, interfaces, mode, quick, interrupted, kubernetes, git, ceiling, clock, leftOut } = environment;
  const loads = loadsOf(measurements);
  const invalid = loads.filter((part) => !isValid(part));
  const trials = Math.max(
    0,
    ...loads
      .filter(({ experiment }) => !FORMER_NAMES.some((name) => name === experiment))
      .map(({ target, experiment }) => partsOf({ measurements, key: target }, experiment).length),
  );
  const counting = loads.filter(isValid).map((part) => part.read('verdict').generator.cpuCores ?? 0);
  const busiest = Math.max(0, ...counting);
  const stolen = Math.max(0, ...loads.map((part) => part.read('verdict').generator.stolenCores ?? 0));
  const cpuModels = kubernetes ? kubernetes.nodes.map(({ cpuModel }) => cpuModel) : [environment.machine.cpuModel];
  const isLimited = Object.values(environment.servers).some(({ resources }) =>
    Object.values(resources).some(({ limits }) => limits.cpu !== undefined),
  );
  const asked = askedBy(targets);
  const autoscalers = unlikeAutoscalers(targets);
  const nodes = unlikeNodes(targets);
  const possible: [holds: boolean, sentence: string][] = [
    [quick, 'This was a quick run: it measured for minutes only, and gives a first impression.'],
    [interrupted, 'The run stopped or broke before everything was measured.'],
    [trials < 2, 'Every load ran once, so nothing shows how much results differ from run to run.'],
    [
      trials >= 2 && trials < BOOTSTRAP_TRIALS,
      `Each load has at most ${counted(trials, 'trial')}, so the intervals rest on Student’s t, which assumes that the ` +
        'logarithms of the trials are normally distributed.',
    ],
    [
      invalid.length > 0,
      `${invalid.length} of ${counted(loads.length, 'load')} did not count and ` +
        `${invalid.length === 1 ? 'is' : 'are'} left out of all figures; the appendix has the reasons.`,
    ],
    [
      !measuredTwice(measurements),
      `${upperFirst(interfaces[comparison.baseline]?.name ?? '')} was not measured against itself, or that is not shown, so the noise floor is not known.`,
    ],
    [
      mode === 'local',
      'Everything ran on one machine without a cluster: the load generator took CPU from the targets.',
    ],
    [
      kubernetes?.nodes.length === 1,
      'The cluster has one node, so the load generator and the targets shared its CPUs. ' +
        (isLimited ? 'CPU limits held the targets, but everything' : 'No CPU limit held the targets, and everything') +
        ' shared caches, memory and the kernel.',
    ],
    [ceiling === null, 'The ceiling of the load generator was not measured.'],
    [
      busiest > HEADROOM_CORES,
      `A process of the load generator used up to ${number(busiest)} of a core in loads that count. Where it ` +
        'was that busy, some of the latency is its own.',
    ],
    [
      stolen > DISTURBED_CORES,
      `The machine was disturbed: in a load, others on its host took ${number(stolen)} cores from it. That ` +
        'widens the intervals.',
    ],
    [
      cpuModels.includes(null),
      'The CPU model of a node is not known: no target ran there, or commands may not run in pods.',
    ],
    [
      Math.abs(clock.offsetSeconds ?? 0) > 1,
      `The clock of the cluster differs by ${number(Math.abs(clock.offsetSeconds ?? 0))} s from the one that timed ` +
        'the samples.',
    ],
    [git === null, 'The run was not made from a git clone, so its exact source is not known.'],
    [git?.dirty === true, 'Files differed from the commit when the run was made.'],
    [
      asked !== undefined && targets.some(({ method }) => method === 'GET'),
      `${asked ?? ''}. A GET has no body to send and to parse, so figures of one value differ for that, too.`,
    ],
    [autoscalers !== undefined, autoscalers ?? ''],
    [nodes !== undefined, nodes ?? ''],
    [
      new Set(targets.map(({ protocol }) => protocol)).size > 1,
      'The load generator asks by one client over HTTP and by another over gRPC, and their parts of a latency differ. ' +
        'Those of the bare server show them, where they were measured.',
    ],
    [leftOut.length > 0, `Not measured: ${leftOut.join(' ')}`],
  ];
  return [...possible.filter(([holds]) => holds).map(([, sentence]) => sentence), ...comparison.threats, ...ALWAYS];
}

const ALWAYS = [
  'Latencies within a load depend on each other. The intervals of percentiles count requests as independent, so they ' +
    'are too narrow. The intervals of ratios rest on trials and are not affected.',
  'A 95 % interval misses the true value once in twenty times: among many figures, some differ by chance.',
  'Latency is what the load generator saw, in Python and across the network. Its own delays are part of it; the ' +
    'rules of validity bound them for each load.',
];
