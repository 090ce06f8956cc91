// TensorFlow Serving, by REST.

import type { TargetDefinition } from './target.ts';

export const tfserving: TargetDefinition = {
  name: 'TensorFlow Serving',
  chart: 'tfserving',
  portName: 'http',
  question: {
    path: '/v1/models/fahrenheit_to_celsius:predict',
    options: { method: 'POST', body: '{"instances":[212]}', headers: { 'content-type': 'application/json' } },
    isAnswer(body) {
      const [celsius] = (body as { predictions?: unknown[] } | null)?.predictions ?? [];
      // The tolerance of float32 that model/README.md derives; 212 itself is a float32.
      return Math.abs(Number(celsius) - 100) <= 3 * 2 ** -24 * 100;
    },
  },
  image: { variable: 'TFSERVING_IMAGE', repository: 'f2c-tfserving', folder: 'tfserving', port: 8501 },
  readCpu: ['cat', '/proc/cpuinfo'],
};
