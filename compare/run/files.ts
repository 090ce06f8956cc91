// The files of a load, in memory, by name.

import {
  fileName,
  whatIs,
  type CsvKind,
  type Row,
  type Interface,
  type TargetName,
  type Verdict,
} from '../../results/files.ts';
import { parse } from '../../results/read.ts';
import { format } from '../../results/write.ts';

/** Files of a results folder, by name. */
export type Files = Map<string, Buffer>;

/** Reads the rows of one file. @throws ResultsError if the file is not what it should be */
export function rowsOf<K extends CsvKind>(files: Files, target: Interface, kind: K): Row<K>[] {
  const name = fileName(target, kind);
  return parse(kind, files.get(name) ?? Buffer.from(''), name);
}

/** Reads the load generator's verdict. @throws ResultsError if the file is not what it should be */
export function verdictOf(files: Files, target: Interface): Verdict {
  const name = fileName(target, 'verdict');
  return parse('verdict', files.get(name) ?? Buffer.from(''), name);
}

/** Adds a file with rows to files. @returns the files */
export function csv<K extends Parameters<typeof format>[0]>(
  files: Files,
  target: Interface,
  kind: K,
  rows: Row<K>[],
): Files {
  return files.set(fileName(target, kind), Buffer.from(format(kind, rows)));
}

/** Gives the files of a target the name of another one. */
export function renamed(files: Files, from: Interface, to: TargetName): Files {
  const nameOf = (name: string) => {
    const { target, kind } = whatIs(name) ?? {};
    return target === from && kind ? fileName(to, kind) : name;
  };
  return new Map([...files].map(([name, content]) => [nameOf(name), content]));
}
