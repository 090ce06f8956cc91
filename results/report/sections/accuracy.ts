// How far the answers of the built-in servers are from the exact temperatures.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import * as v from 'valibot';
import { toCelsius } from '../../../function/src/celsius.ts';
import { span } from '../conditions.ts';
import { left, paragraph, right, type Block } from '../document.ts';
import { ABSENT } from '../format.ts';
import type { Measurements } from '../measurements.ts';
import type { Material, SectionDefinition } from './section.ts';

export const accuracy: SectionDefinition = { title: 'Accuracy', blocks };

const KNOWN_TEMPERATURES = join(import.meta.dirname, '../../../model/known-temperatures.csv');

/** The double of the function against the float32 of the model, worked out here by the rules of model/README.md. */
function blocks({ targets: [{ measurements }] }: Material): Block[] | undefined {
  if (measurements.environment.comparison.file !== undefined) return undefined;
  const known = parse<Record<'fahrenheit' | 'celsius' | 'name', string>>(readFileSync(KNOWN_TEMPERATURES), {
    columns: true,
  });
  const off = (answer: number, exact: number) =>
    Number.isFinite(answer) ? exponential(Math.abs(answer - exact)) : 'beyond float32';
  return [
    paragraph(
      `The answers are (f − 32) · 5/9${rangeOf(measurements)}. The function computes in doubles, the model in float32. ` +
        'This table works out from the formula how far each is ' +
        'from the exact temperature. Every answer of every load was checked as well: the model’s to within the ' +
        'tolerance (“allowed”), and a wrong one counted as a failure.',
    ),
    {
      kind: 'table',
      columns: [
        left('Temperature'),
        right('°F'),
        right('°C'),
        right('Function off by, °C'),
        right('Model off by, °C'),
        right('allowed, °C'),
      ],
      rows: known.map(({ fahrenheit, celsius, name }) => {
        const [f, c] = [Number(fahrenheit), Number(celsius)];
        const model = Math.fround(Math.fround(Math.fround(f) - 32) * Math.fround(5 / 9));
        const tolerance = 3 * 2 ** -24 * Math.abs(c) + Math.abs(f - Math.fround(f));
        return [
          name,
          shortened(fahrenheit),
          shortened(celsius),
          off(toCelsius(f), c),
          off(model, c),
          Number.isFinite(tolerance) ? exponential(tolerance) : ABSENT,
        ];
      }),
      source: 'model/known-temperatures.csv, function/src/celsius.ts; the tolerance is derived in model/README.md',
    },
  ];
}

function exponential(value: number): string {
  return value === 0 ? '0' : value.toExponential(1);
}

function shortened(text: string): string {
  return text.length > 10 ? Number(text).toPrecision(6) : text;
}

/** The range that older runs drew temperatures from, as an option of the load test. */
const rangeSchema = v.object({ 'min-fahrenheit': v.number(), 'max-fahrenheit': v.number() });

function rangeOf({ parts }: Measurements): string {
  const settings = parts.find((part) => part.has('verdict'))?.read('verdict').settings;
  if (!v.is(rangeSchema, settings)) return '';
  const range = span([settings['min-fahrenheit'], settings['max-fahrenheit']]).replaceAll('-', '−');
  return `, of temperatures from ${range} °F`;
}
