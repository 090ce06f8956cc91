// Runs `npm run compare -- --quick` on the current context of kubectl. The cluster must have a metrics API, and the
// images that FUNCTION_IMAGE, TFSERVING_IMAGE and LOADTEST_IMAGE name.

import { execa } from 'execa';
import { onTestFailed } from 'vitest';
import { imageArguments } from './images.ts';
import { compare, type Comparison } from './run.ts';

export function compareInCluster(...args: string[]): Comparison {
  const comparison = compare('--quick', ...imageArguments(), ...args);
  onTestFailed(async () => console.log((await comparison.ended).text));
  return comparison;
}

/** Returns the namespace that the command says it uses, or undefined if that is gone. */
export async function namespaceOf(text: string): Promise<string | undefined> {
  const [, name = ''] = /namespace (f2c-compare-\w+)/.exec(text) ?? [];
  const { stdout } = await execa('kubectl', ['get', 'namespace', name, '--ignore-not-found', '--output', 'name']);
  return stdout || undefined;
}
