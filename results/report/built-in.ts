// What runs of the built-in servers compared that were measured before a servers file said so.

import type { Comparison } from '../files.ts';

export const FORMER_COMPARISON: Comparison = {
  title: 'Fahrenheit to Celsius: a function or TensorFlow Serving?',
  baseline: 'function',
  columns: ['fahrenheit', 'celsius'],
  threats: [
    'The formula is as small as a model can be, so this compares everything around the model. With a model that ' +
      'computes for milliseconds, the targets would differ less.',
    'The function answers in doubles and the model in float32: their answers are equal only within the stated tolerance.',
    'The function tells its clients when a pod stops; TensorFlow Serving can’t. The load generator keeps opening ' +
      'new connections, which hides that difference.',
  ],
};
