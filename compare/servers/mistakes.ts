// What the checks of a servers file share: where a mistake is told, and which files must be there.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import * as v from 'valibot';
import { Failure } from '../../lib/failure.ts';
import type { ServersFile, TextOrSecret } from './schema.ts';

/** Leads to a member of the file, by keys and numbers. */
export type Path = readonly (string | number)[];
export type Complain = (at: Path, sentence: string) => void;

export interface Context {
  readonly file: ServersFile;
  /** The folder from which paths go. */
  readonly folder: string;
  readonly complain: Complain;
}

/** Complains of everything that a schema does not accept. @returns the value if it is accepted */
export function checked<const Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  at: Path,
  complain: Complain,
): v.InferOutput<Schema> | undefined {
  const { success, output, issues } = v.safeParse(schema, value);
  for (const issue of issues ?? []) {
    const path = issue.path?.map(({ key }) => key as string | number) ?? [];
    complain([...at, ...path], `${given(issue.input)}${issue.message}`);
  }
  return success ? output : undefined;
}

function given(input: unknown): string {
  return typeof input === 'object' || input === undefined ? '' : `${JSON.stringify(input)}; `;
}

/** Complains of variables that are not set. */
export function checkSecrets(complain: Complain, at: Path, values: Readonly<Record<string, TextOrSecret>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== 'string' && process.env[value.fromEnv] === undefined)
      complain([...at, name], `the variable ${value.fromEnv} is not set in the environment`);
  }
}

/** @returns the path from the folder of the file, and complains if nothing is there */
export function existing(folder: string, name: string, at: Path, complain: Complain): string {
  const path = resolve(folder, name);
  if (!existsSync(path)) complain(at, `${path} is not there`);
  return path;
}

/** The same for what is read as a file. */
export function existingFile(folder: string, name: string, at: Path, complain: Complain): string {
  const path = existing(folder, name, at, complain);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) complain(at, `${path} is a folder; a file is wanted`);
  return path;
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

export function readText(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    throw new Failure(`${path} can't be read: ${(error as Error).message}`);
  }
}
