// Writes a servers file to start from.

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const START = join(import.meta.dirname, 'start.yaml');
const SCHEMA = join(import.meta.dirname, 'schema.json');

/** Writes the file, unless there is one, and says what to do next. @returns whether it is written */
export function initServersFile(path: string): boolean {
  const schema = relative(dirname(resolve(path)), SCHEMA);
  try {
    writeFileSync(path, readFileSync(START, 'utf8').replace('$schema=SCHEMA', `$schema=${schema}`), { flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    console.error(
      code === 'EEXIST' ? `${path} is there already; give another name.` : `${path} can't be written: ${message}.`,
    );
    return false;
  }
  console.log(`${path} is written. Put your servers and cases in it, and then: npm run compare -- --check ${path}`);
  return true;
}
