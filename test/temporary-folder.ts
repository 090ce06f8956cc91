// Gives the tests a folder for temporary files, and removes it when all of them have ended.

import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @returns what vitest calls at the end */
export default function setUp(): () => void {
  const folder = mkdtempDisposableSync(join(tmpdir(), 'f2c-tests-'));
  // What runs the tests inherits it.
  process.env.TMPDIR = folder.path;
  return () => {
    folder.remove();
  };
}
