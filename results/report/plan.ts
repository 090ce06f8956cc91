// What a run asked of its targets, as its own files have it: the report tells nothing of a plan from memory.

import { min } from 'simple-statistics';
import * as v from 'valibot';
import type { Row } from '../files.ts';
import { number, words } from './format.ts';
import type { Measurements, Side } from './measurements.ts';

/** The different values that the steps of an experiment have, in all its trials, rising; those without one are left out. */
export function valuesOf(
  { parts }: Measurements,
  experiment: string,
  take: (step: Row<'steps'>) => number | null,
): number[] {
  const steps = parts.flatMap((part) =>
    part.experiment === experiment && part.has('steps') ? part.read('steps') : [],
  );
  const values = steps.map(take).filter((value) => value !== null);
  return [...new Set(values)].sort((a, b) => a - b);
}

/** Such as `1, 10 and 100`. */
export function list(values: readonly number[]): string {
  return words(values.map(number));
}

/** Such as `115`, or `69 to 70`. */
export function span(values: readonly number[]): string {
  return [...new Set([values.at(0) ?? NaN, values.at(-1) ?? NaN])].map(number).join(' to ');
}

/** The measured time of a step, in seconds. */
export function secondsOf({ start_s, end_s }: Row<'steps'>): number {
  return end_s - start_s;
}

/**
 * The highest rate that may be offered, as a share of the load generator's lowest ceiling in the open loop, or if it was
 * calibrated in the closed loop only, there; undefined without one.
 */
export function boundShare({ environment: { ceiling } }: Measurements): number | undefined {
  const ceilings = Object.values(ceiling?.openRequestsPerSecond ?? ceiling?.requestsPerSecond ?? {});
  return ceiling && ceilings.length > 0 ? ceiling.bound / min(ceilings) : undefined;
}

/**
 * The replicas of an experiment, by the names that environment.json's `resources` has for them: where a run has several
 * of them, the first one counts.
 */
const REPLICAS: Record<string, readonly string[]> = {
  autoscale: ['auto'],
  capacity: ['one'],
  latency: ['core', 'one'],
  noise: ['core', 'one'],
  batch: ['one'],
  coldstart: ['one'],
  'scale-from-zero': ['one'],
};

/** The CPU limit that each side's replicas had in an experiment, such as `with a CPU limit of 300m`. */
export function cpuLimit(sides: readonly Side[], experiment: string): string {
  const limits = sides.flatMap(({ measurements, target, name }) => {
    const { resources } = measurements.environment;
    const [key] = (REPLICAS[experiment] ?? [])
      .map((replicas) => `${target}/${replicas}`)
      .filter((its) => resources[its]);
    const limit = resources[key ?? '']?.limits.cpu;
    return limit === undefined ? [] : [{ name, limit }];
  });
  const [first] = limits;
  if (!first) return 'without a CPU limit';
  if (limits.every(({ limit }) => limit === first.limit)) return `with a CPU limit of ${first.limit}`;
  return `with a CPU limit of ${words(limits.map(({ name, limit }) => `${limit} for ${name}`))}`;
}

const autoscalingSchema = v.object({ autoscaling: v.object({ minReplicas: v.number(), maxReplicas: v.number() }) });

/** The bounds of each side's autoscaler, such as `1 to 5 replicas`. */
export function replicaBounds(sides: readonly Side[]): string {
  const bounds = sides.map(({ measurements, target, name }) => {
    const values = v.safeParse(autoscalingSchema, measurements.environment.charts[`f2c-${target}`]?.values);
    const { minReplicas, maxReplicas } = values.success ? values.output.autoscaling : {};
    return { name, text: minReplicas === undefined ? undefined : `${minReplicas} to ${maxReplicas} replicas` };
  });
  const [first] = bounds;
  if (!first?.text || bounds.some(({ text }) => text === undefined)) return 'as many replicas as its autoscaler wants';
  if (bounds.every(({ text }) => text === first.text)) return first.text;
  return words(bounds.map(({ name, text }) => `${text ?? ''} of ${name}`));
}

/** Whether Kubernetes' own speed of scaling was left as it is, which waits for five minutes before it scales down. */
export function scalesByDefault(sides: readonly Side[]): boolean {
  const behaviorSchema = v.object({ autoscaling: v.object({ behavior: v.strictObject({}) }) });
  return sides.every(({ measurements, target }) =>
    v.is(behaviorSchema, measurements.environment.charts[`f2c-${target}`]?.values),
  );
}

/** How many of the turns are named. */
const NAMED_TURNS = 4;

/** In which order the sides were loaded, such as `the function, TensorFlow Serving, …`; empty where only one was. */
export function turns(sides: readonly Side[], { parts }: Measurements): string {
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
