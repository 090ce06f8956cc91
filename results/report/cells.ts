// How tables name a figure, and tell how the baseline compares with another target.

import { winnerOf, type Winner } from './decide-winner.ts';
import type { Cell } from './document.ts';
import type { Comparison, Figure } from './figures.ts';
import { number, ratioWithInterval } from './format.ts';

/** Such as `CPU per request, µs ↓`. */
export function nameCell({ name, unit, better }: Figure): string {
  return `${[name, unit].filter(Boolean).join(', ')}\u00a0${better === 'more' ? '↑' : '↓'}`;
}

/**
 * The ratio, or why there is none that counts, in a few words.
 * @param floor what two equal things differ by here, as a factor, if it is known
 */
export function ratioCell(figure: Figure, comparison: Comparison, floor: number | undefined): Cell {
  const { ratio, parts, why } = comparison;
  const winner: Winner = winnerOf(figure, comparison, floor);
  if (parts && winner === 'generator')
    return `generator ${number(parts.generator)} of ${number(parts.generator + parts.servers)}`;
  if (why) return why.kind === 'invalid' ? { alert: why.few } : why.few;
  if (!ratio) return '';
  const { low = 0, high = Infinity } = ratio.interval ?? {};
  const isNoise = winner === 'neither' && (low > 1 || high < 1);
  return `${ratioWithInterval(ratio)}${isNoise ? ', noise' : ''}`;
}
