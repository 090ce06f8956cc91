import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ABSOLUTE_ZERO_FAHRENHEIT, toCelsius } from '../src/celsius.ts';

const UNIT = 1074n; // every double is a whole number of 2^-1074

/** Returns the exact value of a double, in units of 2^-1074. */
function exact(value: number): bigint {
  const bits = new BigUint64Array(new Float64Array([Math.abs(value)]).buffer)[0]!;
  const exponent = bits >> 52n;
  const fraction = bits & ((1n << 52n) - 1n);
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return value < 0 ? -magnitude : magnitude;
}

const abs = (value: bigint) => (value < 0n ? -value : value);

/** Returns the error of `celsius` against the exact (f − 32) · 5/9, in ulp of the exact value. */
function ulpError(fahrenheit: number, celsius: number): number {
  const ninefold = 5n * (exact(fahrenheit) - (32n << UNIT));
  const bitLength = BigInt((abs(ninefold) / 9n).toString(2).length);
  const ulp = bitLength > 53n ? 1n << (bitLength - 53n) : 1n;
  const error = abs(9n * exact(celsius) - ninefold);
  return Number((error * 1_000_000n) / (9n * ulp)) / 1_000_000;
}

const RUNS = { numRuns: 50_000 };
const temperature = fc.double({ min: ABSOLUTE_ZERO_FAHRENHEIT, max: Number.MAX_VALUE, noNaN: true });
const everyday = fc.double({ min: ABSOLUTE_ZERO_FAHRENHEIT, max: 10_000, noNaN: true });
const aroundFreezing = fc.double({ min: 31, max: 33, noNaN: true });
const huge = fc.double({ min: Number.MAX_VALUE / 8, max: Number.MAX_VALUE, noNaN: true });
// Up to this maximum, 5 · (f − 32) is exact, so the division is the only rounding.
const whole = fc.integer({ min: -459, max: Math.floor(Number.MAX_SAFE_INTEGER / 5) });

test('ulpError notices an error of a single ulp', () => {
  expect(ulpError(212, 100)).toBe(0);
  expect(ulpError(212, 100 + 2 ** -46)).toBe(1);
  expect(ulpError(-40, -40 - 3 * 2 ** -47)).toBe(3);
  expect(ulpError(0, -17.77777777777778)).toBeLessThan(0.5);
});

describe('toCelsius, against exact arithmetic', () => {
  test.each(Object.entries({ temperature, everyday, aroundFreezing, huge }))('is within 2 ulp: %s', (_, range) => {
    fc.assert(
      fc.property(range, (fahrenheit) => {
        const celsius = toCelsius(fahrenheit);
        return Number.isFinite(celsius) && !Object.is(celsius, -0) && ulpError(fahrenheit, celsius) <= 2;
      }),
      RUNS,
    );
  });

  test('is correctly rounded for whole degrees', () => {
    fc.assert(
      fc.property(whole, (fahrenheit) => ulpError(fahrenheit, toCelsius(fahrenheit)) <= 0.5),
      RUNS,
    );
    for (let fahrenheit = -459; fahrenheit <= 10_000; fahrenheit++) {
      expect(ulpError(fahrenheit, toCelsius(fahrenheit))).toBeLessThanOrEqual(0.5);
    }
  });
});

describe('model/known-temperatures.csv', () => {
  const known = parse<Record<'fahrenheit' | 'celsius' | 'name', string>>(
    readFileSync('model/known-temperatures.csv', 'utf8'),
    { columns: true },
  );

  test.each(known)('$name: $fahrenheit °F are $celsius °C', (row) => {
    const fahrenheit = Number(row.fahrenheit);
    const celsius = Number(row.celsius);
    expect(ulpError(fahrenheit, celsius)).toBeLessThanOrEqual(1);
    expect(ulpError(fahrenheit, toCelsius(fahrenheit))).toBeLessThanOrEqual(2);
    if (Number.isSafeInteger(fahrenheit)) expect(toCelsius(fahrenheit)).toBe(celsius);
  });
});
