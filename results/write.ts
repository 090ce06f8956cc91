// Writes what a comparison adds to a results folder.

import { stringify } from 'csv-stringify/sync';
import * as v from 'valibot';
import type { About } from './columns.ts';
import {
  againOf,
  ENVIRONMENT,
  environmentSchema,
  KIND_NAMES,
  KINDS,
  type CsvKind,
  type FileDefinition,
  type Environment,
  type Kind,
  type KindBy,
  type Row,
} from './files.ts';
import { parse, parseEnvironment } from './read.ts';

/**
 * The text of a CSV file that a comparison writes.
 * @throws ResultsError if it could not be read again, such as for a NaN
 */
export function format<K extends WrittenKind>(kind: K, rows: readonly Row<K>[]): string {
  const columns = Object.keys(KINDS[kind].schema.entries);
  const text = stringify([...rows] as object[], { header: true, columns });
  parse(kind, Buffer.from(text), kind);
  return text;
}

type WrittenKind = CsvKind & KindBy<{ writtenBy: 'compare' }>;

/**
 * The text of an environment.json.
 * @throws ResultsError if it could not be read again
 */
export function formatEnvironment(environment: Environment): string {
  const text = `${JSON.stringify(environment, null, 2)}\n`;
  parseEnvironment(Buffer.from(text), ENVIRONMENT);
  return text;
}

/**
 * The text of a results folder's README.md.
 * @param heading Markdown that says what this run is, for the beginning
 * @param kinds the kinds of file that the folder has
 */
export function describe(heading: string, kinds: Iterable<Kind> = KIND_NAMES): string {
  const there = new Set(kinds);
  const definitions: [string, FileDefinition][] = Object.entries(KINDS);
  const present = definitions.filter(([kind]) => there.has(kind as Kind));
  const name = (kind: string, { extension }: FileDefinition) => `\`<target>_${kind}.${extension}\``;
  const blocks = [
    heading.trim(),
    '## Files',
    'Each experiment has a folder with a folder for each trial. The files there begin with the key of their target, which\n' +
      `is one of \`interfaces\` in \`${ENVIRONMENT}\`; in \`sweep\` also \`${againOf('<baseline>')}\`: the baseline a second time.`,
    table(
      ['File', 'Written by', 'What it is'],
      [
        [`\`${ENVIRONMENT}\``, 'compare', 'Where and how the run was measured.'],
        ...present.map(([kind, definition]) => [name(kind, definition), definition.writtenBy, definition.about]),
      ],
    ),
    ...section(`\`${ENVIRONMENT}\``, 'Member', environmentSchema.entries),
    ...present.flatMap(([kind, definition]) =>
      section(name(kind, definition), definition.extension === 'csv' ? 'Column' : 'Member', definition.schema.entries),
    ),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function section(title: string, what: 'Column' | 'Member', schemas: v.ObjectEntries): string[] {
  const rows = Object.entries(schemas).map(([name, schema]) => {
    const { accepted, unit, meaning } = v.getMetadata(schema) as unknown as About;
    const type = accepted ?? schema.expects.replace(/^\((.*)\)$/, '$1').replaceAll(' | ', ' or ');
    return [`\`${name}\``, type, unit, meaning];
  });
  return [`### ${title}`, table([what, 'Type', 'Unit', 'Meaning'], rows)];
}

/** A table in Markdown, with its columns aligned. */
function table(head: string[], rows: string[][]): string {
  const widths = head.map((_, index) => Math.max(...[head, ...rows].map((row) => row[index]?.length ?? 0)));
  const line = (row: string[]) => `| ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
