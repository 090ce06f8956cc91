// Names the images for tests on a cluster, from the environment variables that all of these tests share.

import { CHARTS, type Chart } from '../../compare/options.ts';

const IMAGES: Record<Chart, string> = {
  function: process.env.FUNCTION_IMAGE ?? 'f2c-function:0.1.0',
  tfserving: process.env.TFSERVING_IMAGE ?? 'f2c-tfserving:0.1.0',
  loadtest: process.env.LOADTEST_IMAGE ?? 'f2c-loadtest:0.1.0',
};

/** Returns Helm's values for the image of a chart, such as `image.tag=0.1.0`. */
export function imageValues(chart: Chart): string[] {
  const image = IMAGES[chart];
  const colon = image.lastIndexOf(':');
  return [`image.repository=${image.slice(0, colon)}`, `image.tag=${image.slice(colon + 1)}`];
}

/** Returns the options of `npm run compare` that select these images. */
export function imageArguments(): string[] {
  const charts = Object.keys(CHARTS) as Chart[];
  return charts.flatMap((chart) => imageValues(chart).flatMap((value) => ['--set', `${chart}.${value}`]));
}
