// Names the images for tests on a cluster, from the environment variables that all of these tests share.

import type { Chart } from '../../../lib/project.ts';

export const IMAGES: Record<Chart, string> = {
  function: process.env.FUNCTION_IMAGE ?? 'f2c-function:0.1.0',
  tfserving: process.env.TFSERVING_IMAGE ?? 'f2c-tfserving:0.1.0',
  loadtest: process.env.LOADTEST_IMAGE ?? 'f2c-loadtest:0.1.0',
};

/** The function's image under a name that Knative asks no registry for. */
export const KNATIVE_IMAGE = process.env.KNATIVE_IMAGE ?? 'dev.local/f2c-function:0.1.0';

/** Returns Helm's values for an image, such as `image.tag=0.1.0`. */
export function valuesOf(image: string, key = 'image'): string[] {
  const colon = image.lastIndexOf(':');
  return [`${key}.repository=${image.slice(0, colon)}`, `${key}.tag=${image.slice(colon + 1)}`];
}

/** Returns Helm's values for the image of a chart. */
export function imageValues(chart: Chart): string[] {
  return valuesOf(IMAGES[chart]);
}

/** Returns the options of `npm run compare` that select these images, or others. */
export function imageArguments(images: Partial<Record<Chart, string>> = IMAGES): string[] {
  return (Object.entries(images) as [Chart, string][]).flatMap(([chart, image]) =>
    valuesOf(image).flatMap((value) => ['--set', `${chart}.${value}`]),
  );
}
