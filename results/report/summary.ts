// The figures for machines: summary.json and summary.csv.

import { stringify } from 'csv-stringify/sync';
import { median, sum } from 'simple-statistics';
import type { Report } from './compose.ts';
import { headlineOf, partsInWords, sizesInWords } from './conclusions.ts';
import { winnerOf } from './decide-winner.ts';
import { isValid, loadsOf, zeroStartsOf } from './measurements.ts';

/**
 * JSON: the answer in words, from which batch size on another does better, every figure with its name, how much was asked, and the loads that
 * did not count. Figures are the rows of summary.csv. What is not known is null.
 */
export function summaryJson(report: Report): string {
  const { figures, noise, breakEvens, targets } = report;
  const { measurements } = targets[0];
  const { environment } = measurements;
  const loads = loadsOf(measurements);
  const fromZero = targets.flatMap(zeroStartsOf).map(({ first_answer_ms }) => first_answer_ms);
  const names = new Map(figures.map(({ key, name }) => [key, name]));
  const sizes = sizesInWords(breakEvens, targets);
  const summary = {
    run: measurements.name,
    filesSha256: measurements.checksum,
    started: environment.started,
    ended: environment.ended,
    version: environment.version,
    synthetic: environment.synthetic ?? false,
    quick: environment.quick,
    note: environment.note ?? null,
    baseline: targets[0].key,
    headline: headlineOf(figures, noise, targets, sizes),
    sizes: sizes ?? null,
    batchSizes: breakEvens.map(({ other, measure, size, sentence }) => ({
      target: other.key,
      measure,
      from: size?.value ?? null,
      from_low: size?.interval?.low ?? null,
      from_high: size?.interval?.high ?? null,
      sentence,
    })),
    scaleFromZero: fromZero.length > 0 ? { starts: fromZero.length, median_ms: median(fromZero) } : null,
    figures: summaryRows(report).map((row) => ({ name: names.get(row.figure), ...row })),
    loads: loads.length,
    requests: sum(loads.map((part) => part.read('verdict').requests)),
    invalid: loads
      .filter((part) => !isValid(part))
      .map(({ experiment, trial, target, reasons }) => ({ experiment, trial, target, reasons })),
  };
  return `${JSON.stringify(summary, null, 2)}\n`;
}

/** CSV: a row for each figure and target. What is not known is empty. */
export function summaryCsv(report: Report): string {
  return stringify(summaryRows(report), { header: true });
}

/** What compares a target with the baseline is null for the baseline. */
function summaryRows({ figures, noise, targets }: Report) {
  return figures.flatMap((figure) =>
    targets.map(({ key: target }, index) => {
      const { key, unit, values, bare, comparisons, source } = figure;
      const [value, comparison] = [values[index], comparisons[index - 1]];
      const winner = comparison && winnerOf(figure, comparison, noise[key]);
      const better = {
        baseline: targets[0].key,
        other: target,
        neither: 'neither',
        generator: 'neither',
        unknown: null,
      };
      const parts = comparison?.parts;
      return {
        figure: key,
        unit,
        target,
        value: value?.value ?? null,
        value_bound: value?.bound ?? null,
        low: value?.interval?.low ?? null,
        high: value?.interval?.high ?? null,
        bare: bare[index] ?? null,
        ratio: comparison?.ratio?.value ?? null,
        ratio_bound: comparison?.ratio?.bound ?? null,
        ratio_low: comparison?.ratio?.bound === 'at most' ? null : (comparison?.ratio?.interval?.low ?? null),
        ratio_high: comparison?.ratio?.bound === 'at least' ? null : (comparison?.ratio?.interval?.high ?? null),
        noise_floor: (comparison && noise[key]) ?? null,
        generator_part: parts?.generator ?? null,
        servers_part: parts?.servers ?? null,
        pairs: comparison?.pairs ?? null,
        better: winner ? better[winner] : null,
        why:
          comparison && winner === 'generator'
            ? `The load generator makes the difference: ${partsInWords(figure, comparison)}.`
            : ((comparison ?? (value ? undefined : comparisons[0]))?.why?.sentence ?? null),
        source,
      };
    }),
  );
}
