// The figures for machines: summary.json and summary.csv.

import { stringify } from 'csv-stringify/sync';
import { sum } from 'simple-statistics';
import type { Report } from './content.ts';
import type { Estimate, Figure } from './figures.ts';
import { isValid, loadsOf } from './measurements.ts';
import { verdictOf } from './sections/verdict.ts';
import { floorOf, winnerOf } from './winner.ts';

/**
 * JSON: the verdict, every figure with its unit, values, ratio, 95 % intervals and the files that it comes from, how
 * much was asked, and the loads that did not count. What is not known is null.
 */
export function summaryJson({ figures, noise, sides }: Report): string {
  const { measurements } = sides[0];
  const { environment } = measurements;
  const loads = loadsOf(measurements);
  const summary = {
    run: measurements.name,
    filesSha256: measurements.checksum,
    started: environment.started,
    ended: environment.ended,
    version: environment.version,
    synthetic: environment.synthetic ?? false,
    quick: environment.quick,
    note: environment.note ?? null,
    verdict: verdictOf(figures, noise, sides),
    figures: figures.map((figure) => figureOf(figure, noise, sides)),
    loads: loads.length,
    requests: sum(loads.map((part) => part.read('verdict').requests)),
    invalid: loads
      .filter((part) => !isValid(part))
      .map(({ experiment, trial, target, reasons }) => ({ experiment, trial, target, reasons })),
  };
  return `${JSON.stringify(summary, null, 2)}\n`;
}

/** CSV: a row for each figure. Columns are those of the JSON; what is not known is empty. */
export function summaryCsv({ figures, noise, sides }: Report): string {
  const rows = figures.map((figure) => {
    const { function: one, tfserving: other, ratio, ...rest } = figureOf(figure, noise, sides);
    return {
      figure: rest.key,
      unit: rest.unit,
      function: one?.value,
      function_low: one?.low,
      function_high: one?.high,
      tfserving: other?.value,
      tfserving_low: other?.low,
      tfserving_high: other?.high,
      ratio: ratio?.value,
      ratio_low: ratio?.low,
      ratio_high: ratio?.high,
      noise_floor: rest.noiseFloor,
      pairs: rest.pairs,
      better: rest.better,
      why: rest.why,
      source: rest.source,
    };
  });
  return stringify(rows, { header: true });
}

interface Value {
  value: number;
  low: number | null;
  high: number | null;
}

function figureOf(figure: Figure, noise: readonly Figure[], [one, other]: Report['sides']) {
  const { key, name, unit, pairs, values, ratio, why, source } = figure;
  const winner = { one: one.target, other: other.target, neither: 'neither', unknown: null }[winnerOf(figure, noise)];
  return {
    key,
    name,
    unit,
    function: valueOf(values[0]),
    tfserving: valueOf(values[1]),
    ratio: ratio ? { value: ratio.value, low: ratio.interval?.low ?? null, high: ratio.interval?.high ?? null } : null,
    noiseFloor: floorOf(noise.find((each) => each.key === key)) ?? null,
    better: winner,
    pairs,
    why: why ?? null,
    source,
  };
}

function valueOf(estimate: Estimate | undefined): Value | null {
  if (!estimate) return null;
  return { value: estimate.value, low: estimate.interval?.low ?? null, high: estimate.interval?.high ?? null };
}
