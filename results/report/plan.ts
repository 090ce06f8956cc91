// What a run asked of its targets, as its own files have it: the report tells nothing of a plan from memory.

import * as v from 'valibot';
import type { Row } from '../files.ts';
import { words } from './format.ts';
import type { Measurements, Side } from './measurements.ts';

/** The different values that the steps of an experiment have, in all its trials, rising; null is left out. */
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
