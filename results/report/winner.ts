// Who does better in a figure: only what its interval shows, and what is more than noise.

import type { Comparison, Figure } from './figures.ts';

export type Winner = 'baseline' | 'other' | 'neither' | 'unknown';

/**
 * Who does better, if the interval shows it and it is more than the function differs from itself.
 * @param floor what two equal things differ by here, as a factor, if it is known
 */
export function winnerOf({ better }: Figure, { ratio }: Comparison, floor = 1): Winner {
  if (!ratio?.interval) return 'unknown';
  const { low, high } = ratio.interval;
  if (low <= 1 && high >= 1) return 'neither';
  if (floor > 1 && Math.abs(Math.log(ratio.value)) <= Math.log(floor)) return 'neither';
  return low > 1 === (better === 'more') ? 'baseline' : 'other';
}
