// Registers the function with functions-framework, for `npm start` and `npm run dev`.

import type { RequestListener } from 'node:http';
import { http } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { fahrenheitToCelsius } from './function.ts';

const TARGET = 'fahrenheitToCelsius';

http(TARGET, fahrenheitToCelsius);

/**
 * Returns the framework's complete pipeline around the function. The framework offers no way to run the pipeline under
 * a server with limits and a shutdown of one's own. Therefore this takes the only listener of the server that the
 * framework makes for tests.
 */
export function frameworkPipeline(): RequestListener {
  const [pipeline] = getTestServer(TARGET).listeners('request');
  return pipeline as RequestListener;
}
