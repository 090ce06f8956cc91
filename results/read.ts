// Reads a results folder. If anything is missing or broken, the error names the file, and the line and column in it.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CsvError, parse as parseRecords } from 'csv-parse/sync';
import * as v from 'valibot';
import {
  ENVIRONMENT,
  EXPERIMENT_NAMES,
  FORMER_NAMES,
  environmentSchema,
  fileName,
  KIND_NAMES,
  KINDS,
  whatIs,
  type Content,
  type FileDefinition,
  type Environment,
  type Kind,
  type ExperimentName,
  type TargetName,
} from './files.ts';

/** An error that says in a sentence what is wrong with a file. */
export class ResultsError extends Error {}

export interface Run {
  /** @throws ResultsError if the file is missing or broken */
  environment: () => Environment;
  experiments: ExperimentFolder[];
  /**
   * SHA-256, in hexadecimal, of the lines that `sha256sum` prints for environment.json and the files of every trial,
   * sorted by their paths: a report that names it can be told from one of other files.
   * @throws ResultsError if a file is missing
   */
  checksum: () => string;
}
export interface ExperimentFolder {
  name: ExperimentName;
  trials: TrialFolder[];
}
export interface TrialFolder {
  number: number;
  targets: TargetResults[];
}
export interface TargetResults {
  target: TargetName;
  /** The kinds of file that the trial has of this target. */
  kinds: Kind[];
  /** @throws ResultsError if the file is missing or broken */
  read: <K extends Kind>(kind: K) => Content<K>;
}

/**
 * Lists what is in a results folder. Files are read when they are asked for; others of the folder itself are passed
 * over, such as a report.
 * @throws ResultsError if something has no place there
 */
export function readRun(folder: string): Run {
  const experiments = entries(folder)
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ name: experimentOf(folder, name), trials: trialsOf(join(folder, name)) }));
  return {
    environment: () => {
      const path = join(folder, ENVIRONMENT);
      return parseEnvironment(contentOf(path), path);
    },
    experiments,
    checksum: () => {
      const paths = experiments.flatMap(({ name, trials }) =>
        trials.flatMap(({ number, targets }) =>
          targets.flatMap(({ target, kinds }) => kinds.map((kind) => `${name}/${number}/${fileName(target, kind)}`)),
        ),
      );
      // The default order is by UTF-16 code units, which for these names is the order of `LC_ALL=C sort`.
      const lines = [ENVIRONMENT, ...paths].sort().map((path) => `${sha256(contentOf(join(folder, path)))}  ${path}\n`);
      return sha256(lines.join(''));
    },
  };
}

function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

function experimentOf(folder: string, name: string): ExperimentName {
  const experiment = [...EXPERIMENT_NAMES, ...FORMER_NAMES].find((known) => known === name);
  if (experiment) return experiment;
  throw new ResultsError(
    `${join(folder, name)} has no place there: it is none of the experiments ${EXPERIMENT_NAMES.join(', ')}.`,
  );
}

function trialsOf(folder: string): TrialFolder[] {
  return entries(folder).map((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory() || !/^\d+$/.test(entry.name)) {
      throw new ResultsError(`${path} has no place there: an experiment has folders 1, 2, … for its trials.`);
    }
    return { number: Number(entry.name), targets: targetsOf(path) };
  });
}

function targetsOf(folder: string): TargetResults[] {
  const files = entries(folder).map(({ name }) => {
    const what = whatIs(name);
    if (!what) throw new ResultsError(`${join(folder, name)} is not a file of a trial: ${KNOWN_FILES}.`);
    return what;
  });
  return [...new Set(files.map(({ target }) => target))].map((target) => ({
    target,
    kinds: KIND_NAMES.filter((kind) => files.some((file) => file.target === target && file.kind === kind)),
    read: <K extends Kind>(kind: K) => read(kind, join(folder, fileName(target, kind))),
  }));
}

const KINDS_OF_FILES = KIND_NAMES.map((kind) => `${kind}.${KINDS[kind].extension}`).join(', ');
const KNOWN_FILES =
  'its name must be <target>_<kind>, with a target of small letters, digits and hyphens, and a kind of ' +
  KINDS_OF_FILES;

const { compare: byNumber } = new Intl.Collator('en', { numeric: true });

/** Lists a folder in natural order, without hidden files. */
function entries(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith('.'))
      .sort((a, b) => byNumber(a.name, b.name));
  } catch (error) {
    throw unreadable(folder, error);
  }
}

/** @throws ResultsError if the file is missing or broken */
export function read<K extends Kind>(kind: K, path: string): Content<K> {
  return parse(kind, contentOf(path), path);
}

/**
 * Reads the content of a file.
 * @param file its name, for messages
 * @throws ResultsError if it is broken
 */
export function parse<K extends Kind>(kind: K, content: Uint8Array, file: string): Content<K> {
  const { extension, schema }: FileDefinition = KINDS[kind];
  const text = textOf(content, file);
  return (extension === 'csv' ? rowsOf(schema, text, file) : jsonOf(schema, text, file)) as Content<K>;
}

/**
 * Reads the content of an environment.json.
 * @throws ResultsError if it is broken
 */
export function parseEnvironment(content: Uint8Array, file: string): Environment {
  return jsonOf(environmentSchema, textOf(content, file), file);
}

function contentOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): ResultsError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new ResultsError(code === 'ENOENT' ? `${path} is missing.` : `${path} can't be read: ${message}.`);
}

function textOf(content: Uint8Array, file: string): string {
  if (content.length === 0) throw new ResultsError(`${file} is empty.`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    throw new ResultsError(`${file} is not text in UTF-8.`);
  }
}

function jsonOf<Schema extends v.GenericSchema>(schema: Schema, text: string, file: string): v.InferOutput<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ResultsError(`${file} is not JSON: ${(error as SyntaxError).message}.`);
  }
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new ResultsError(`${[file, v.getDotPath(issue)].filter(Boolean).join(', ')}: ${issue.message}.`);
}

interface Line {
  /** Number of the first line of a record, from 1. */
  line: number;
  cells: string[];
}

function rowsOf({ entries: columns }: FileDefinition['schema'], text: string, file: string): unknown[] {
  const [header, ...lines] = linesOf(text, file);
  const names = Object.keys(columns);
  checkHeader(names, header?.cells ?? [], file);
  const schema = v.object(columns);
  return lines.map(({ line, cells }) => {
    if (cells.length !== names.length) {
      throw new ResultsError(`${file}, line ${line}: there are ${cells.length} columns instead of ${names.length}.`);
    }
    const result = v.safeParse(schema, Object.fromEntries(names.map((name, index) => [name, cells[index]])));
    if (result.success) return result.output;
    const [{ input, message, path }] = result.issues;
    const where = `${file}, line ${line}, column ${String(path?.[0].key)}`;
    throw new ResultsError(`${where}: ${JSON.stringify(input)} is not ${message}.`);
  });
}

function linesOf(text: string, file: string): Line[] {
  if (!text.endsWith('\n')) {
    throw new ResultsError(`${file}, line ${text.split('\n').length}: the line is cut off, and maybe others are lost.`);
  }
  try {
    // rowsOf checks the number of columns itself, for a better message.
    const options = { info: true, relax_column_count: true, record_delimiter: ['\r\n', '\n'] };
    const records = parseRecords(text, options) as unknown as { record: string[]; info: { lines: number } }[];
    const ends = [0, ...records.map(({ info }) => info.lines)];
    return records.map(({ record }, index) => ({ line: (ends[index] ?? 0) + 1, cells: record }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new ResultsError(`${file}, line ${String(error.lines)}: ${error.message}.`);
  }
}

function checkHeader(names: string[], header: string[], file: string): void {
  const complain = (what: string) => {
    throw new ResultsError(`${file}, line 1: ${what}; the columns must be ${names.join(',')}.`);
  };
  const unknown = header.find((name) => !names.includes(name));
  if (unknown !== undefined) complain(`a column ${JSON.stringify(unknown)} is not known`);
  const missing = names.find((name) => !header.includes(name));
  if (missing !== undefined) complain(`column ${missing} is missing`);
  const misplaced = header.find((name, index) => name !== names[index]);
  if (misplaced !== undefined) complain(`column ${misplaced} is not in its place`);
}
