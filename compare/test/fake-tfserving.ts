// A fake of TensorFlow Serving's REST API, for tests without a model server. It answers the requests of a load test and
// some bad requests with the same bytes as the real one. It answers anything else with 501 instead of a guess.
//
//   PORT=8501 node compare/test/fake-tfserving.ts

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

const MODEL = 'fahrenheit_to_celsius';

interface Answer {
  status: number;
  body: string;
  contentType?: string;
}

/** @param port a port on the loopback interface; 0 picks a free one */
export async function startFake(port = 0): Promise<{ url: string; stop: () => Promise<void> }> {
  const server = createServer((request, response) => {
    void text(request).then((body) => send(response, answer(request.method ?? '', request.url ?? '', body)));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function send(response: ServerResponse, { status, body, contentType = 'application/json' }: Answer): void {
  const content = Buffer.from(body);
  response.writeHead(status, { 'content-type': contentType, 'content-length': content.length }).end(content);
}

function answer(method: string, path: string, body: string): Answer {
  if (!path.startsWith('/v1/models/')) return NOT_FOUND;
  const [, name = '', version, action] = /^\/v1\/models\/([^/:]+)(\/versions\/\d+)?(:predict)?$/.exec(path) ?? [];
  const isKnown = name === MODEL && (!version || version === '/versions/1');
  if (action && method !== 'POST') return error(400, `Malformed request: ${method} ${path}`);
  if (action && isKnown) return predict(body);
  if (action && !version) return error(404, `Servable not found for request: Latest(${name})`);
  if (name && !action && isKnown) return { status: 200, body: STATUS };
  if (name && !action && !version) return error(404, `Could not find any versions of model ${name}`);
  return unknown(`${method} ${path}`);
}

const NOT_FOUND: Answer = {
  status: 404,
  contentType: 'text/html',
  body: '<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n<H1>Not Found</H1>\n</BODY></HTML>\n',
};

const STATUS = `{
 "model_version_status": [
  {
   "version": "1",
   "state": "AVAILABLE",
   "status": {
    "error_code": "OK",
    "error_message": ""
   }
  }
 ]
}
`;

/** Answers requests in row format with plain numbers, and in column format with a list of numbers. */
function predict(body: string): Answer {
  if (body === '') return error(400, 'JSON Parse error: The document is empty');
  let request: unknown;
  try {
    request = JSON.parse(body);
  } catch {
    // The offset is that of the fault. This is right only for a text that ends too early.
    return error(400, `JSON Parse error: Invalid value. at offset: ${body.length}`);
  }
  if (typeof request !== 'object' || request === null || Array.isArray(request)) return unknown(body);
  const { instances, inputs, ...others } = request as Record<string, unknown>;
  if (Object.keys(others).length > 0) return unknown(body);
  if (instances === undefined && inputs === undefined) return error(400, "Missing 'inputs' or 'instances' key");
  const values = instances ?? inputs;
  if ((instances && inputs) || !Array.isArray(values)) return unknown(body);
  if (instances && values.length === 0) {
    return error(400, `JSON Value: {\n    "instances": []\n} No values in 'instances' array`);
  }
  const index = values.findIndex((value) => typeof value !== 'number');
  if (index >= 0) return notANumber(values[index], index, Boolean(instances), body);
  const celsius = (values as number[]).map(toCelsius).map(digits);
  const predictions = `{\n    "predictions": [${celsius.join(', ')}\n    ]\n}`;
  const outputs = `{\n    "outputs": [\n        ${celsius.join(',\n        ')}\n    ]\n}`;
  return { status: 200, body: instances ? predictions : outputs };
}

function notANumber(value: unknown, index: number, isRowForm: boolean, body: string): Answer {
  if (typeof value !== 'string' || !isRowForm) return unknown(body);
  const reason = `INVALID_ARGUMENT: JSON Value: ${JSON.stringify(value)} Type: String is not of expected type: float`;
  return error(400, `Failed to process element: ${index} of 'instances' list. Error: ${reason}`);
}

/** Converts in float32, as the model does: it multiplies by 5/9, which is rounded once. */
function toCelsius(fahrenheit: number): number {
  return Math.fround(Math.fround(Math.fround(fahrenheit) - 32) * Math.fround(5 / 9));
}

/** Writes a number with nine digits, which distinguish all float32 values, and a point, but no zeros at the end. */
function digits(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const shortest = String(Number(value.toPrecision(9)));
  return Number.isInteger(value) && !shortest.includes('e') ? `${shortest}.0` : shortest;
}

function error(status: number, message: string): Answer {
  return { status, body: `{\n    "error": ${JSON.stringify(message)}\n}` };
}

function unknown(what: string): Answer {
  return error(501, `This is a fake of TensorFlow Serving for tests, which has no answer to ${what.slice(0, 200)}`);
}

if (import.meta.main) {
  const { url } = await startFake(Number(process.env.PORT ?? 0));
  console.log(`${url} is a fake for tests that answers like TensorFlow Serving. It is not TensorFlow Serving.`);
}
