// TensorFlow Serving, by gRPC.

import { join } from 'node:path';
import { credentials, loadPackageDefinition, type Client } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { TargetDefinition } from './target.ts';
import { isRight, SERVER } from './tfserving.ts';

export const tfservingGrpc: TargetDefinition = {
  ...SERVER,
  name: 'TensorFlow Serving over gRPC',
  portName: 'grpc',
  port: 8500,
  question: isRightAt,
};

/** The messages that the load generator sends, too. */
const PROTO = join(import.meta.dirname, '../../f2c_loadtest/predict.proto');
const TIMEOUT_MS = 2000;

interface Answer {
  outputs: Record<string, { floatVal: number[] } | undefined>;
}
interface PredictionClient extends Client {
  predict(
    request: object,
    options: { deadline: number },
    callback: (error: Error | null, answer?: Answer) => void,
  ): void;
}
interface Package {
  tensorflow: { serving: { PredictionService: new (host: string, ...how: unknown[]) => PredictionClient } };
}

/** Whether it converts 212 °F rightly at a URL. A refused connection, or an error of the server, means no. */
function isRightAt(url: string): Promise<boolean> {
  const { tensorflow } = loadPackageDefinition(loadSync(PROTO)) as unknown as Package;
  const client = new tensorflow.serving.PredictionService(new URL(url).host, credentials.createInsecure());
  const fahrenheit = { dtype: 'DT_FLOAT', tensorShape: { dim: [{ size: 1 }] }, floatVal: [212] };
  const request = { modelSpec: { name: 'fahrenheit_to_celsius' }, inputs: { fahrenheit } };
  return new Promise((resolve) => {
    client.predict(request, { deadline: Date.now() + TIMEOUT_MS }, (_error, answer) => {
      client.close();
      resolve(isRight(answer?.outputs.celsius?.floatVal[0]));
    });
  });
}
