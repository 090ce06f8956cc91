// Finds the programs that .github/go.mod lists. Go builds each of them once, and caches it.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const MODULE = join(import.meta.dirname, '..');

const found = new Map<string, string>();

/** @returns the path of the program */
export function goTool(name: string): string {
  const path = found.get(name) ?? execFileSync('go', ['-C', MODULE, 'tool', '-n', name], { encoding: 'utf8' }).trim();
  found.set(name, path);
  return path;
}
