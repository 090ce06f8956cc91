import { expect, test } from 'vitest';
import { quantity } from '../kubernetes/quantity.ts';

test.each([
  ['100m', 0.1],
  ['2', 2],
  ['1.5', 1.5],
  ['123456n', 123456e-9],
  ['512Mi', 536_870_912],
  ['24614036Ki', 25_204_772_864],
  ['1e3', 1000],
  ['129M', 129_000_000],
])('the quantity %s is %d', (text, value) => {
  expect(quantity(text)).toBeCloseTo(value, 9);
});

test('what is no quantity is no number', () => {
  expect(quantity('many')).toBeNaN();
});
