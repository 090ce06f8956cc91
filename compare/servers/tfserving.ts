// TensorFlow Serving, by REST.

import type { ServerDefinition, TargetDefinition } from './target.ts';

/** The server, whose interfaces are two targets. */
export const SERVER = {
  chart: 'tfserving',
  image: { variable: 'TFSERVING_IMAGE', repository: 'f2c-tfserving', folder: 'tfserving' },
  readCpu: ['cat', '/proc/cpuinfo'],
} as const satisfies ServerDefinition;

/** Whether the model's answer to 212 °F is right, by the tolerance that model/README.md derives; 212 is a float32. */
export function isRight(celsius: unknown): boolean {
  return Math.abs(Number(celsius) - 100) <= 3 * 2 ** -24 * 100;
}

export const tfserving: TargetDefinition = {
  ...SERVER,
  name: 'TensorFlow Serving',
  portName: 'http',
  port: 8501,
  question: {
    path: '/v1/models/fahrenheit_to_celsius:predict',
    options: { method: 'POST', body: '{"instances":[212]}', headers: { 'content-type': 'application/json' } },
    isAnswer: (body) => isRight((body as { predictions?: unknown[] } | null)?.predictions?.[0]),
  },
};
