// Defines what a column of CSV or a member of JSON accepts, its unit, and its meaning.

import * as v from 'valibot';

/** The type of a column's cells. */
interface CellType<Value> {
  /** Such as `a whole number`; for messages and for the README. */
  accepted: string;
  accepts: (text: string) => boolean;
  convert: (text: string) => Value;
}

export const WHOLE: CellType<number> = {
  accepted: 'a whole number',
  accepts: (text) => /^\d+$/.test(text) && Number.isSafeInteger(Number(text)),
  convert: Number,
};
export const NUMBER: CellType<number> = {
  accepted: 'a number',
  // Nothing that is measured here can be negative; an exponent is what Python writes for 0.00001.
  accepts: (text) => /^\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text)),
  convert: Number,
};
export const TEXT: CellType<string> = { accepted: 'text', accepts: () => true, convert: (text) => text };
export const NAME: CellType<string> = { ...TEXT, accepted: 'a name', accepts: (text) => text !== '' };
export const TIME: CellType<string> = {
  ...TEXT,
  accepted: 'a time such as 2026-01-31T23:59:59Z',
  accepts: (text) => v.is(v.pipe(v.string(), v.isoTimestamp()), text),
};

export function oneOf<const Choice extends string>(...choices: Choice[]): CellType<Choice> {
  const accepts = (text: string) => choices.some((choice) => choice === text);
  return { accepted: choices.join(' or '), accepts, convert: (text) => text as Choice };
}

/** @param nothing what is written where there is no value, and read as null */
export function or<Value>(nothing: '' | 'N/A', cell: CellType<Value>): CellType<Value | null> {
  return {
    accepted: `${cell.accepted} or ${nothing || 'empty'}`,
    accepts: (text) => text === nothing || cell.accepts(text),
    convert: (text) => (text === nothing ? null : cell.convert(text)),
  };
}

export function column<Value>({ accepted, accepts, convert }: CellType<Value>, unit: string, meaning: string) {
  const about: About = { accepted, unit, meaning };
  return v.pipe(v.string(), v.check(accepts, accepted), v.transform(convert), v.metadata({ ...about }));
}

/** Describes a column or a member; a member's schema says what it accepts. */
export interface About {
  accepted?: string;
  unit: string;
  meaning: string;
}

export function member<const Schema extends v.GenericSchema>(schema: Schema, unit: string, meaning: string) {
  const about: About = { unit, meaning };
  return v.pipe(schema, v.metadata({ ...about }));
}

export const COUNT = v.pipe(v.number(), v.integer(), v.minValue(0));
export const AMOUNT = v.pipe(v.number(), v.minValue(0));
