// What the project is: where it lies, its version, and its charts.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');
/** The version of the project, which its images and charts share. */
export const VERSION = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;

/** The charts, by the names that --set and --values call them: the folder of each. */
export const CHARTS = { function: 'chart', tfserving: 'tfserving/chart', loadtest: 'loadtest/chart' } as const;
export type Chart = keyof typeof CHARTS;

/**
 * Each chart's own name. Its image and the container in its pods have it too, as does its release, so that all its objects
 * are named like that.
 */
export const RELEASES: Record<Chart, string> = {
  function: 'f2c-function',
  tfserving: 'f2c-tfserving',
  loadtest: 'f2c-loadtest',
};
