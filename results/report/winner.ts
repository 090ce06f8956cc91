// Who does better in a figure: only what its interval shows, and what is more than noise.

import type { Figure } from './figures.ts';

export type Winner = 'one' | 'other' | 'neither' | 'unknown';

/** Who does better, if the interval shows it and it is more than the function differs from itself. */
export function winnerOf({ key, ratio: its, better }: Figure, noise: readonly Figure[]): Winner {
  if (!its?.interval) return 'unknown';
  const { low, high } = its.interval;
  if (low <= 1 && high >= 1) return 'neither';
  const floor = floorOf(noise.find((each) => each.key === key));
  if (floor !== undefined && Math.abs(Math.log(its.value)) <= Math.log(floor)) return 'neither';
  return low > 1 === (better === 'more') ? 'one' : 'other';
}

/** The noise floor: what two equal things can differ by here, as a factor; undefined where it was not measured. */
export function floorOf(noise: Figure | undefined): number | undefined {
  const its = noise?.ratio?.interval;
  return its && Math.max(its.high, 1 / its.low);
}
