/**
 * Absolute zero in °F: 0 K = −273.15 °C = −459.67 °F, exact by the definition of the two scales
 * (SI brochure, 9th edition, 2.3.1). Nothing is colder.
 */
export const ABSOLUTE_ZERO_FAHRENHEIT = -459.67;

/**
 * Converts a temperature from °F to °C by the definition of the scales, (f − 32) · 5/9, in doubles.
 *
 * The answer is finite, never −0, and less than 2 ulp from the exact value for each finite input:
 * the three roundings cost at most 0.56 + 0.89 + 0.5 ulp of the answer. Whole degrees are correctly
 * rounded as long as 5 · (f − 32) fits into 53 bits (up to 1.8e15 °F): only the division rounds then.
 *
 * @param fahrenheit a finite number of °F
 * @returns the temperature in °C
 */
export function toCelsius(fahrenheit: number): number {
  const difference = fahrenheit - 32;
  const product = difference * 5;
  // Near the largest double the product overflows, although the answer does not.
  return Number.isFinite(product) ? product / 9 : (difference / 9) * 5;
}
