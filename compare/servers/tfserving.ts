// TensorFlow Serving, by REST and by gRPC.

import type { Interfaces, ServerDefinition } from './server.ts';

export const tfservingServer: ServerDefinition = {
  name: 'TensorFlow Serving',
  image: { variable: 'TFSERVING_IMAGE', folder: 'tfserving' },
  readCpu: ['cat', '/proc/cpuinfo'],
};

/** Whether the model's answer to 212 °F is right, by the tolerance that model/README.md derives; 212 is a float32. */
function isRight(celsius: unknown): boolean {
  return typeof celsius === 'number' && Math.abs(celsius - 100) <= 3 * 2 ** -24 * 100;
}

export const tfservingInterfaces: Interfaces<'tfserving' | 'tfserving-grpc'> = {
  tfserving: {
    server: 'tfserving',
    name: tfservingServer.name,
    label: 'TF Serving',
    protocol: 'http',
    port: 8501,
    question: {
      path: '/v1/models/fahrenheit_to_celsius:predict',
      options: { method: 'POST', body: '{"instances":[212]}', headers: { 'content-type': 'application/json' } },
      isAnswer: (body) => isRight((body as { predictions?: unknown[] } | null)?.predictions?.[0]),
    },
  },
  'tfserving-grpc': {
    server: 'tfserving',
    name: 'TensorFlow Serving over gRPC',
    label: 'TF Serving, gRPC',
    protocol: 'grpc',
    port: 8500,
  },
};
