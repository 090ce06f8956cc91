// TensorFlow Serving, by gRPC.

import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
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
const PROTO = join(import.meta.dirname, '../../loadtest/f2c_loadtest/predict.proto');
const METHOD = '/tensorflow.serving.PredictionService/Predict';
const TIMEOUT_MS = 2000;

/** Whether it converts 212 °F rightly at a URL. A refused connection, or an error of the server, means no. */
function isRightAt(url: string): Promise<boolean> {
  const messages = protobuf.loadSync(PROTO);
  const request = messages.lookupType('PredictRequest');
  const answer = messages.lookupType('PredictResponse');
  const fahrenheit = { dtype: 1, tensorShape: { dim: [{ size: 1 }] }, floatVal: [212] };
  const question = { modelSpec: { name: 'fahrenheit_to_celsius' }, inputs: { fahrenheit } };
  const client = new Client(new URL(url).host, credentials.createInsecure());
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      METHOD,
      (its) => Buffer.from(request.encode(its).finish()),
      (bytes) => answer.decode(bytes).toJSON() as { outputs?: Record<string, { floatVal?: number[] }> },
      question,
      { deadline: Date.now() + TIMEOUT_MS },
      (_error, its) => {
        client.close();
        resolve(isRight(its?.outputs?.celsius?.floatVal?.[0]));
      },
    );
  });
}
