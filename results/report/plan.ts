// What a run asked of its targets: by the plan in its environment.json, or in runs of earlier versions by its files.
// The report tells nothing of a plan from memory.

import * as v from 'valibot';
import { counted, list, number, words } from './format.ts';
import { cpuLimitOf, partsOf, releaseOf, startsOf, zeroStartsOf, type Measurements } from './measurements.ts';
import type { Sides } from './sides.ts';

type StepMember = 'users' | 'rate' | 'batch' | 'seconds';

/** The different values that the steps of an experiment have, rising; a value that a step lacks is left out. */
export function valuesOf(measurements: Measurements, experiment: string, member: StepMember): number[] {
  const steps = measurements.environment.plan?.[experiment]?.steps ?? stepsOf(measurements, experiment);
  const values = steps.flatMap((step) => step[member] ?? []);
  return [...new Set(values)].sort((a, b) => a - b);
}

/** The steps of all trials that an experiment has files of. */
function stepsOf({ parts }: Measurements, experiment: string): Partial<Record<StepMember, number>>[] {
  const loads = parts.filter((part) => part.experiment === experiment && part.has('steps'));
  return loads.flatMap((part) =>
    part.read('steps').map(({ users, batch, offered_rate, start_s, end_s }) => ({
      users,
      batch,
      ...(offered_rate !== null && { rate: offered_rate }),
      seconds: end_s - start_s,
    })),
  );
}

/** How long each step took, such as `measured for 70 s`; what was planned has the time in which a load settles, too. */
export function duration(measurements: Measurements, experiment: string): string {
  const isPlanned = measurements.environment.plan?.[experiment] !== undefined;
  const seconds = `${span(valuesOf(measurements, experiment, 'seconds'))} s`;
  return isPlanned ? `for ${seconds}, with the time in which it settles` : `measured for ${seconds}`;
}

/** How often each load of an experiment ran, such as `3 trials`. */
export function trialsOf(sides: Sides, experiment: string): string {
  const planned = sides[0].measurements.environment.plan?.[experiment]?.trials;
  return counted(planned ?? Math.max(...sides.map((side) => partsOf(side, experiment).length)), 'trial');
}

/** How often a replica was started for `coldstart`, or the function was asked for `scale-from-zero`. */
export function startsIn(sides: Sides, experiment: 'coldstart' | 'scale-from-zero'): string {
  const planned = sides[0].measurements.environment.plan?.[experiment]?.trials;
  const counts = sides.map((side) => (experiment === 'coldstart' ? startsOf(side) : zeroStartsOf(side)).length);
  return span(planned === undefined ? counts.filter((count) => count > 0).sort((a, b) => a - b) : [planned]);
}

/**
 * The replicas of an experiment in runs without a plan, by the names that environment.json's `resources` has for them:
 * where a run has several of them, the first one counts.
 */
const SCALINGS: Record<string, readonly string[]> = {
  autoscale: ['auto'],
  capacity: ['one'],
  latency: ['core', 'one'],
  noise: ['core', 'one'],
  batch: ['one'],
  coldstart: ['one'],
  'scale-from-zero': ['one'],
};

/** The CPU limit that each side's replicas had in an experiment, such as `with a CPU limit of 300m`. */
export function cpuLimit(sides: Sides, experiment: string): string {
  const limits = sides.flatMap(({ measurements: { environment }, target, name }) => {
    const planned = environment.plan?.[experiment]?.scaling;
    const scalings = planned === undefined ? (SCALINGS[experiment] ?? []) : [planned];
    const [limit] = scalings.flatMap((scaling) => cpuLimitOf(environment, target, scaling) ?? []);
    return limit === undefined ? [] : [{ name, limit }];
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

/** What the chart of a side says of its autoscaler; undefined where the run does not know it. */
function autoscalerOf({ measurements: { environment }, target }: Sides[number]) {
  const values = v.safeParse(autoscalingSchema, environment.charts[releaseOf(environment, target)]?.values);
  return values.success ? values.output.autoscaling : undefined;
}

/** The bounds of each side's autoscaler, such as `1 to 5 replicas`. */
export function replicaBounds(sides: Sides): string {
  const planned = sides[0].measurements.environment.plan?.autoscale?.replicas;
  const bounds = sides.flatMap((side) => {
    const { minReplicas, maxReplicas } = autoscalerOf(side) ?? {};
    const { min, max } = planned ?? { min: minReplicas, max: maxReplicas };
    return min === undefined ? [] : { name: side.name, text: `${String(min)} to ${String(max)} replicas` };
  });
  const [first] = bounds;
  if (!first || bounds.length < sides.length) return 'as many replicas as its autoscaler wants';
  if (bounds.every(({ text }) => text === first.text)) return first.text;
  return words(bounds.map(({ name, text }) => `${text} of ${name}`));
}

/** Why the figures of autoscaling are no fair comparison: a sentence; undefined for autoscalers alike, or not known. */
export function unlikeAutoscalers(sides: Sides): string | undefined {
  if (!sides.some((side) => partsOf(side, 'autoscale').length > 0)) return undefined;
  const told = sides.flatMap((side) => {
    const its = autoscalerOf(side);
    if (!its) return [];
    const { minReplicas, maxReplicas, targetCPUUtilizationPercentage: aim } = its;
    const aimed = aim == null ? 'no target of CPU' : `a target of ${number(aim)} % CPU`;
    return { name: side.name, text: `${number(minReplicas)} to ${number(maxReplicas)} replicas and ${aimed}` };
  });
  if (new Set(told.map(({ text }) => text)).size < 2) return undefined;
  const each = words(told.map(({ name, text }) => `${text} for ${name}`));
  return `The autoscalers are not alike (${each}), so the figures of autoscaling are no fair comparison.`;
}

/**
 * A sentence if the targets ran on nodes of unlike CPUs, or may have, where a run does not tell. What can't be known of all
 * nodes is not compared.
 */
export function unlikeNodes(sides: Sides): string | undefined {
  const its = sides.map(({ measurements: { environment }, target, name }) => {
    const nodes = environment.kubernetes?.nodes ?? [];
    const ran = Object.values(environment.pods?.[releaseOf(environment, target)] ?? {});
    const isKnown = ran.length > 0;
    // Only in the pods of targets can a CPU model be read.
    const those = nodes.filter((node) => (isKnown ? ran.includes(node.name) : node.cpuModel !== null));
    return { name, isKnown, those };
  });
  const all = its.flatMap(({ those }) => those);
  const kindOf = all.every(({ cpuModel }) => cpuModel !== null)
    ? ({ cpuModel }: (typeof all)[number]) => cpuModel ?? ''
    : ({ instanceType }: (typeof all)[number]) => instanceType ?? '';
  const kinds = new Set(all.map(kindOf));
  if (kinds.size < 2 || kinds.has('')) return undefined;
  const of = (nodes: typeof all) => words([...new Set(nodes.map(kindOf))].sort());
  if (!its.every(({ isKnown }) => isKnown)) {
    return (
      `The nodes have unlike CPUs (${of(all)}), and no file tells on which of them each target ran, so the figures may ` +
      'differ for that alone.'
    );
  }
  const each = words(its.map(({ name, those }) => `${of(those)} for ${name}`));
  return `The targets ran on nodes of unlike CPUs (${each}), so the figures differ for that, too.`;
}

/** Such as `115`, or `69 to 70`. */
export function span(values: readonly number[]): string {
  return [...new Set([values.at(0) ?? NaN, values.at(-1) ?? NaN])].map(number).join(' to ');
}

/** The rates of an experiment in words, such as `887, 1,773 and 3,547`. */
export function ratesOf(measurements: Measurements, experiment: string): string {
  return list(valuesOf(measurements, experiment, 'rate'));
}
