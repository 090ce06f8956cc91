// `npm run compare --quick` on the current context of kubectl, which must have a metrics API, and the images named by
// FUNCTION_IMAGE, TFSERVING_IMAGE and LOADTEST_IMAGE.

import { execa } from 'execa';
import { onTestFailed } from 'vitest';
import { imageArguments } from './images.ts';
import { compare, type Comparison } from './run.ts';

/** The stand-in of TensorFlow Serving takes long to start with less CPU. */
const CPU = ['--cpu-limit', '200m'];

export function compareInCluster(...args: string[]): Comparison {
  const comparison = compare('--quick', ...CPU, ...imageArguments(), ...args);
  onTestFailed(async () => console.log((await comparison.ended).text));
  return comparison;
}

/** Of the namespace that the command said it uses; undefined once that is gone. */
export async function namespaceOf(text: string): Promise<string | undefined> {
  const [, name = ''] = /namespace (f2c-compare-\w+)/.exec(text) ?? [];
  const { stdout } = await execa('kubectl', ['get', 'namespace', name, '--ignore-not-found', '--output', 'name']);
  return stdout || undefined;
}
