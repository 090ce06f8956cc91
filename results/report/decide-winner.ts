// Decides which target does better in a figure: its interval must show it, above the noise, and the servers must cause it.

import type { Estimate } from '../statistics.ts';
import type { Comparison, Figure } from './figures.ts';

/** `generator`: the load generator causes the difference, so that neither target does better. */
export type Winner = 'baseline' | 'other' | 'neither' | 'generator' | 'unknown';

/**
 * The largest share of a difference that may be the load generator's own. Percentiles of two loads can't be subtracted
 * exactly, so the servers must account for the larger part of what they are told apart by.
 */
const MOST_OF_GENERATOR = 0.5;

/**
 * Names a winner if the interval shows it, the ratio exceeds the noise floor, and the servers cause the difference.
 * @param floor what two equal things differ by here, as a factor, if it is known
 */
export function winnerOf({ better }: Figure, { ratio, parts }: Comparison, floor = 1): Winner {
  if (!ratio?.interval) return 'unknown';
  const { low, high } = ratio.interval;
  // A ratio that may lie anywhere beyond its value can't show that there is no difference.
  const none = ratio.bound ? 'unknown' : 'neither';
  if (low <= 1 && high >= 1) return none;
  if (floor > 1 && Math.abs(Math.log(ratio.value)) <= Math.log(floor)) return none;
  if (parts && isOfGenerator(ratio, parts)) return 'generator';
  return low > 1 === (better === 'more') ? 'baseline' : 'other';
}

/** Whether most of a target's figure is what a bare server takes, too. @param index of the target */
export function isMostlyGenerator({ values, bare }: Figure, index: number): boolean {
  return (bare[index] ?? 0) > MOST_OF_GENERATOR * (values[index]?.value ?? Infinity);
}

/** Whether two equal servers could show this ratio too, because of the load generator's own share. */
function isOfGenerator({ value, interval }: Estimate, parts: NonNullable<Comparison['parts']>): boolean {
  const share = parts.generator / (parts.generator + parts.servers);
  const ofEqualServers = 1 - share * (1 - value);
  const { low = value, high = value } = interval ?? {};
  return share > MOST_OF_GENERATOR || (low <= ofEqualServers && ofEqualServers <= high);
}
