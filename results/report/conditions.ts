// The conditions of a run in words: loads, CPU limits, autoscalers and nodes. All of it comes from environment.json.

import * as v from 'valibot';
import type { ExperimentName, Plan } from '../files.ts';
import { counted, numbersInWords, number, words } from './format.ts';
import { cpuLimitOf, partsOf, type Measurements } from './measurements.ts';
import type { Target, Targets } from './targets.ts';

type StepMember = 'users' | 'rate' | 'batch' | 'seconds';

/** The different values that the steps of an experiment have, rising; a value that a step lacks is left out. */
export function valuesOf(measurements: Measurements, experiment: ExperimentName, member: StepMember): number[] {
  const steps = measurements.environment.plan[experiment]?.steps ?? [];
  const values = steps.flatMap((step) => step[member] ?? []);
  return [...new Set(values)].sort((a, b) => a - b);
}

/** How long each step takes, such as `for 75 s, with the time in which it settles`. */
export function duration(measurements: Measurements, experiment: ExperimentName): string {
  return `for ${span(valuesOf(measurements, experiment, 'seconds'))} s, with the time in which it settles`;
}

/** The number of an experiment's trials, such as `3 trials`. */
export function trialsInWords(targets: Targets, experiment: ExperimentName): string {
  return counted(planOf(targets, experiment)?.trials ?? 0, 'trial');
}

/** How often a replica is started for `coldstart`, or a target is asked for `scale-from-zero`. */
export function startsIn(targets: Targets, experiment: 'coldstart' | 'scale-from-zero'): string {
  return number(planOf(targets, experiment)?.trials ?? 0);
}

/** Undefined of an experiment that the run has not begun. */
function planOf([{ measurements }]: Targets, experiment: ExperimentName): Plan | undefined {
  return measurements.environment.plan[experiment];
}

/** The CPU limit that each target's replicas had in an experiment, such as `with a CPU limit of 300m`. */
export function cpuLimit(targets: Targets, experiment: ExperimentName): string {
  const limits = targets.flatMap((target) => {
    const { environment } = target.measurements;
    const { scaling } = environment.plan[experiment] ?? {};
    const limit = scaling && cpuLimitOf(environment, target.key, scaling);
    return limit === undefined ? [] : [{ name: target.name, limit }];
  });
  const [first] = limits;
  if (!first) return 'without a CPU limit';
  if (limits.every(({ limit }) => limit === first.limit)) return `with a CPU limit of ${first.limit}`;
  return `with a CPU limit of ${words(limits.map(({ name, limit }) => `${limit} for ${name}`))}`;
}

const autoscalingSchema = v.object({
  autoscaling: v.object({
    minReplicas: v.number(),
    maxReplicas: v.number(),
    targetCPUUtilizationPercentage: v.optional(v.nullable(v.number())),
  }),
});

/** The autoscaler's settings in a target's Helm values; undefined if the run does not know them. */
function autoscalerOf({ measurements: { environment }, server }: Target) {
  const values = v.safeParse(autoscalingSchema, environment.servers[server]?.chart?.values);
  return values.success ? values.output.autoscaling : undefined;
}

/** The bounds of each target's autoscaler, such as `1 to 5 replicas`. */
export function replicaBounds(targets: Targets): string {
  const planned = planOf(targets, 'autoscale')?.replicas;
  const bounds = targets.flatMap((target) => {
    const { minReplicas, maxReplicas } = autoscalerOf(target) ?? {};
    const { min, max } = planned ?? { min: minReplicas, max: maxReplicas };
    return min === undefined ? [] : { name: target.name, text: `${String(min)} to ${String(max)} replicas` };
  });
  const [first] = bounds;
  if (!first || bounds.length < targets.length) return 'as many replicas as its autoscaler wants';
  if (bounds.every(({ text }) => text === first.text)) return first.text;
  return words(bounds.map(({ name, text }) => `${text} of ${name}`));
}

/** Says why autoscaling is no fair comparison; undefined if the autoscalers are alike, or not known. */
export function unlikeAutoscalers(targets: Targets): string | undefined {
  if (!targets.some((target) => partsOf(target, 'autoscale').length > 0)) return undefined;
  const autoscalers = targets.flatMap((target) => {
    const autoscaler = autoscalerOf(target);
    if (!autoscaler) return [];
    const { minReplicas, maxReplicas, targetCPUUtilizationPercentage: aim } = autoscaler;
    const aimed = aim == null ? 'no target of CPU' : `a target of ${number(aim)} % CPU`;
    return { name: target.name, text: `${number(minReplicas)} to ${number(maxReplicas)} replicas and ${aimed}` };
  });
  if (new Set(autoscalers.map(({ text }) => text)).size < 2) return undefined;
  const inWords = words(autoscalers.map(({ name, text }) => `${text} for ${name}`));
  return `The autoscalers are not alike (${inWords}), so the figures of autoscaling are no fair comparison.`;
}

/** Says that the targets ran, or may have run, on nodes of unlike CPUs; undefined if they did not, or nobody knows. */
export function unlikeNodes(targets: Targets): string | undefined {
  const places = targets.map(({ measurements: { environment }, server, name }) => {
    const clusterNodes = environment.kubernetes?.nodes ?? [];
    const podNodes = Object.values(environment.pods[server] ?? {});
    const isKnown = podNodes.length > 0;
    // Only in the pods of targets can a CPU model be read.
    const nodes = clusterNodes.filter((node) => (isKnown ? podNodes.includes(node.name) : node.cpuModel !== null));
    return { name, isKnown, nodes };
  });
  const allNodes = places.flatMap(({ nodes }) => nodes);
  const kindOf = allNodes.every(({ cpuModel }) => cpuModel !== null)
    ? ({ cpuModel }: (typeof allNodes)[number]) => cpuModel ?? ''
    : ({ instanceType }: (typeof allNodes)[number]) => instanceType ?? '';
  const kinds = new Set(allNodes.map(kindOf));
  if (kinds.size < 2 || kinds.has('')) return undefined;
  const kindsOf = (nodes: typeof allNodes) => words([...new Set(nodes.map(kindOf))].sort());
  if (!places.every(({ isKnown }) => isKnown)) {
    return (
      `The nodes have unlike CPUs (${kindsOf(allNodes)}), and no file tells on which of them each target ran, so the figures may ` +
      'differ for that alone.'
    );
  }
  const inWords = words(places.map(({ name, nodes }) => `${kindsOf(nodes)} for ${name}`));
  return `The targets ran on nodes of unlike CPUs (${inWords}), so the figures differ for that, too.`;
}

/** Such as `115`, or `69 to 70`. */
export function span(values: readonly number[]): string {
  return [...new Set([values.at(0) ?? NaN, values.at(-1) ?? NaN])].map(number).join(' to ');
}

/** The rates of an experiment in words, such as `887, 1,773 and 3,547`. */
export function ratesOf(measurements: Measurements, experiment: ExperimentName): string {
  return numbersInWords(valuesOf(measurements, experiment, 'rate'));
}
