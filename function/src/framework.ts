// What the framework's own CLI loads (package.json "main"), and what the server takes from the framework.

import type { RequestListener } from 'node:http';
import { http } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { fahrenheitToCelsius } from './function.ts';

const TARGET = 'fahrenheitToCelsius';

http(TARGET, fahrenheitToCelsius);

/**
 * The framework's complete pipeline around the function: the one listener of the server that it makes
 * for tests, the only way it offers to run under a server with limits and a shutdown of one's own.
 */
export function frameworkPipeline(): RequestListener {
  const [pipeline] = getTestServer(TARGET).listeners('request');
  return pipeline as RequestListener;
}
