// Asks TensorFlow Serving by gRPC.

import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

/** The messages that the load generator sends, too. */
const PROTO = join(import.meta.dirname, '../../loadtest/f2c_loadtest/predict.proto');
const METHOD = '/tensorflow.serving.PredictionService/Predict';
const TIMEOUT_MS = 2000;

/**
 * @param url of which only host and port matter
 * @returns what the model makes of a temperature in °F; undefined if the server refuses the connection, or answers an error
 */
export function predict(url: string, fahrenheit: number): Promise<number | undefined> {
  const messages = protobuf.loadSync(PROTO);
  const request = messages.lookupType('PredictRequest');
  const response = messages.lookupType('PredictResponse');
  const tensor = { dtype: 1, tensorShape: { dim: [{ size: 1 }] }, tensorContent: Buffer.from(new Float32Array([fahrenheit]).buffer) };
  const question = { modelSpec: { name: 'fahrenheit_to_celsius' }, inputs: { fahrenheit: tensor } };
  const client = new Client(new URL(url).host, credentials.createInsecure());
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      METHOD,
      (message) => Buffer.from(request.encode(message).finish()),
      (bytes) => response.decode(bytes).toJSON() as { outputs?: Record<string, { floatVal?: number[] }> },
      question,
      { deadline: Date.now() + TIMEOUT_MS },
      (_error, answer) => {
        client.close();
        resolve(answer?.outputs?.celsius?.floatVal?.[0]);
      },
    );
  });
}
