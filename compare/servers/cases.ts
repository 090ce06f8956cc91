// Reads the cases: what is asked, and the right answers. A column's type is stated, and never guessed.

import { CsvError, parse } from 'csv-parse/sync';
import { Failure } from '../../lib/failure.ts';
import type { COLUMN_TYPES } from './schema.ts';

type ColumnType = (typeof COLUMN_TYPES)[number];

const unchanged = (text: string) => text;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const TYPES: Readonly<Record<ColumnType, { accepted: string; accepts: RegExp; toJson: (text: string) => string }>> = {
  string: { accepted: 'text', accepts: /^/, toJson: (text) => JSON.stringify(text) },
  number: { accepted: 'a number as JSON writes it, such as 1.5 or 1e3', accepts: NUMBER, toJson: unchanged },
  integer: {
    accepted: 'a whole number as JSON writes it, such as 42',
    accepts: /^-?(?:0|[1-9]\d*)$/,
    toJson: unchanged,
  },
  boolean: { accepted: 'true or false', accepts: /^(?:true|false)$/, toJson: unchanged },
};

/**
 * @param types of the columns that are read; others are passed over
 * @returns the values of each column, by row, in JSON: a number keeps all its digits
 * @throws Failure with a line for each mistake
 */
export function parseCases(
  content: string,
  file: string,
  types: Readonly<Record<string, ColumnType>>,
): Record<string, string[]> {
  const { header, rows } = recordsOf(content, file);
  const mistakes: string[] = [];
  const columns = Object.entries(types).map(([name, type]) => {
    const index = header.indexOf(name);
    if (index < 0) mistakes.push(`${file}:1: there is no column ${name}; the header has ${header.join(', ')}`);
    else if (header.lastIndexOf(name) !== index) mistakes.push(`${file}:1: there are two columns ${name}`);
    return { name, index, ...TYPES[type] };
  });
  if (rows.length === 0) mistakes.push(`${file}:1: there is no case below the header`);
  if (mistakes.length === 0) {
    for (const { cells, line } of rows) {
      if (cells.length !== header.length) {
        mistakes.push(`${file}:${line}: there are ${cells.length} cells instead of ${header.length}`);
      } else {
        for (const { name, index, accepted, accepts } of columns) {
          const cell = cells[index] ?? '';
          if (!accepts.test(cell))
            mistakes.push(`${file}:${line}: ${name} is ${JSON.stringify(cell)}; ${accepted} is wanted`);
        }
      }
    }
  }
  if (mistakes.length > 0) throw new Failure(mistakes.join('\n'));
  return Object.fromEntries(
    columns.map(({ name, index, toJson }) => [name, rows.map(({ cells }) => toJson(cells[index] ?? ''))]),
  );
}

interface Row {
  cells: string[];
  /** Of the file, from 1. */
  line: number;
}

function recordsOf(content: string, file: string): { header: string[]; rows: Row[] } {
  try {
    const options = { info: true, bom: true, relax_column_count: true, skip_empty_lines: true } as const;
    const records = parse(content, options) as unknown as { record: string[]; info: { lines: number } }[];
    const [header, ...rows] = records;
    // The parser counts to the end of a record, whose cells may have line breaks.
    const lineOf = (index: number) => (records[index]?.info.lines ?? 0) + 1;
    return {
      header: header?.record ?? [],
      rows: rows.map(({ record }, index) => ({ cells: record, line: lineOf(index) })),
    };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new Failure(`${file}:${String(error.lines)}: ${error.message}`);
  }
}
