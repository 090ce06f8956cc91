// Numbers as the report prints them: the same in every locale.

import type { Interval, OneSided } from '../statistics.ts';

const NUMBER = new Intl.NumberFormat('en-US', { minimumSignificantDigits: 3, maximumSignificantDigits: 4 });
const RATIO = new Intl.NumberFormat('en-US', { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export const ABSENT = '–';

/** Writes a number with three or four digits; whole numbers, and those with more digits, are written as whole ones. */
export function number(value: number): string {
  if (Number.isNaN(value)) return ABSENT;
  return Number.isInteger(value) || Math.abs(value) >= 1000 ? COUNT.format(value) : NUMBER.format(value);
}

/** Such as `12.5 %`; @param share from 0 to 1 */
export function percent(share: number | undefined): string {
  return share === undefined ? ABSENT : `${number(Math.round(share * 1000) / 10)} %`;
}

export function interval({ low, high }: Interval, format = number): string {
  return `${format(low)} to ${format(high)}`;
}

export function ratio(value: number): string {
  return RATIO.format(value);
}

const SIGNS = { 'at least': '≥ ', 'at most': '≤ ' };

/** Such as `7,200`, or `≥ 7,200`. */
export function valueWithBound(estimate: OneSided | undefined): string {
  if (!estimate) return ABSENT;
  return `${estimate.bound ? SIGNS[estimate.bound] : ''}${number(estimate.value)}`;
}

/** Such as `0.431 (0.402–0.462)`, or `≥ 2.17 (≥ 1.95)`. */
export function ratioWithInterval(estimate: OneSided | undefined): string {
  if (!estimate) return ABSENT;
  const { value, bound, interval: range } = estimate;
  const sign = bound ? SIGNS[bound] : '';
  if (!range) return `${sign}${ratio(value)}`;
  const { low, high } = range;
  const within = bound ? `${sign}${ratio(bound === 'at least' ? low : high)}` : `${ratio(low)}–${ratio(high)}`;
  return `${sign}${ratio(value)} (${within})`;
}

const TIMES = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 2 });
const SLIGHTLY = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });

/** A factor as one says it: `2.2`, or `1.04` where two digits would make it nothing. */
export function times(factor: number): string {
  return (factor > 0.905 && factor < 1.095 ? SLIGHTLY : TIMES).format(factor);
}

/** A list in words. @param and such as `and` */
export function words(items: readonly string[], and = 'and'): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} ${and} ${items.at(-1) ?? ''}`;
}

/** Such as `1, 10 and 100`. */
export function numbersInWords(values: readonly number[]): string {
  return words(values.map(number));
}

/** Such as `1 trial` or `3 trials`. */
export function counted(count: number, noun: string): string {
  return `${COUNT.format(count)} ${noun}${count === 1 ? '' : 's'}`;
}

export function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Begins a text in small, unless it begins with an abbreviation, such as CPU. */
export function lowerFirst(text: string): string {
  if (/^\p{Lu}{2}/u.test(text)) return text;
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** The paragraphs of a text in which an empty line begins a new one. */
export function paragraphsOf(text: string): string[] {
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim().replaceAll(/\s+/g, ' '))
    .filter((paragraph) => paragraph !== '');
}

/** The first sentence of a text, by the rules of Unicode for English; all of its first paragraph if it has no end. */
export function firstSentence(text: string): string {
  const [paragraph = ''] = paragraphsOf(text);
  const [first] = new Intl.Segmenter('en', { granularity: 'sentence' }).segment(paragraph);
  return first?.segment.trim() ?? '';
}
