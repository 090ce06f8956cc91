// What speaks against trusting the figures: what this run lacked, and what no such run can have.

import { counted, number, words } from './format.ts';
import { isValid, loadsOf, type Measurements } from './measurements.ts';

/** From here on to the limit of 0.9 the load generator still counts as idle enough, but not as idle. */
const HEADROOM_CORES = 0.6;

/** Sentences; what is special to this run comes first. */
export function threatsOf(measurements: Measurements): string[] {
  const { environment, parts } = measurements;
  const { mode, quick, interrupted, kubernetes, git, ceiling, clock, leftOut } = environment;
  const loads = loadsOf(measurements);
  const invalid = loads.filter((part) => !isValid(part));
  const trials = Math.max(0, ...loads.filter(({ experiment }) => experiment !== 'noise').map(({ trial }) => trial));
  const counting = loads.filter(isValid).map((part) => part.read('verdict').generator.cpuCores ?? 0);
  const busiest = Math.max(0, ...counting);
  const cpuModels = kubernetes ? kubernetes.nodes.map(({ cpuModel }) => cpuModel) : [environment.machine.cpuModel];
  const found: [boolean, string][] = [
    [quick, 'This was a quick run, of minutes only: a first impression.'],
    [interrupted, 'The run was stopped, or broke, before all was measured.'],
    [trials < 2, 'Every load ran once, so that nothing tells how much differs from run to run.'],
    [
      trials >= 2 && trials < 6,
      `There are ${counted(trials, 'trial')} of each load: their intervals rest on Student’s t, which takes the logarithms of the trials to be normally distributed.`,
    ],
    [
      invalid.length > 0,
      `${counted(invalid.length, 'load')} of ${String(loads.length)} did not count, and ${invalid.length === 1 ? 'is' : 'are'} left out of all figures: see the appendix.`,
    ],
    [
      !parts.some(({ experiment }) => experiment === 'noise'),
      'The function was not measured against itself, so that the noise floor is not known.',
    ],
    [mode === 'local', 'All ran on one machine without a cluster: the load generator took CPU from what it measured.'],
    [
      kubernetes?.nodes.length === 1,
      'The cluster has one node: the load generator shared its CPUs with what it measured. Limits held the targets, but caches, memory and the kernel were shared.',
    ],
    [ceiling === null, 'The ceiling of the load generator was not measured.'],
    [
      busiest > HEADROOM_CORES,
      `A process of the load generator used up to ${number(busiest)} of a core in loads that count: where it was so busy, some of the latency is its own.`,
    ],
    [
      cpuModels.includes(null),
      'The CPU model of a node is not known: no target ran there, or nothing may be run in pods.',
    ],
    [
      Math.abs(clock.offsetSeconds ?? 0) > 1,
      `The clock of the cluster differs by ${number(Math.abs(clock.offsetSeconds ?? 0))} s from the one that timed the samples.`,
    ],
    [git === null, 'The run was not made from a clone, so that its exact source is not known.'],
    [git?.dirty === true, 'Files differed from the commit when the run was made.'],
    [leftOut.length > 0, `Not measured: ${words(leftOut)}`],
  ];
  return [...found.filter(([holds]) => holds).map(([, sentence]) => sentence), ...ALWAYS];
}

const ALWAYS = [
  'Latencies of one run depend on each other, so that intervals of percentiles, which count requests as independent, are narrower than the truth. The ratios’ intervals, over trials, are not.',
  'Each interval misses the truth once in twenty times: of many figures, some differ by chance.',
  'Latency is what the load generator saw, in Python, with the network between. Its own delays are in it; how far they were from mattering is checked for each load.',
  'Both answer JSON over HTTP. TensorFlow Serving’s gRPC interface, which large batches would gain from, is not measured.',
  'The formula is as small as a model can be: this compares what is around it. A model that computes for milliseconds would tell them apart less.',
  'The function answers in doubles, the model in float32: they are equal within the stated tolerance only.',
  'The function tells its clients when a pod goes; TensorFlow Serving can’t. The load generator opens new connections all the time, which spares TensorFlow Serving that difference.',
];
