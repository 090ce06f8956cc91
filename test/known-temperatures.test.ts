// The script that `helm test` runs in a pod, run as it runs it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { startHere } from '../function/test/service.ts';

const FUNCTION = 'chart';
const TFSERVING = 'tfserving/chart';

test('the function knows the temperatures', async () => {
  const { port, stop } = await startHere('node');
  onTestFinished(stop);
  expect(await runScript(FUNCTION, port)).toEqual({
    exitCode: 0,
    stdout: `http://127.0.0.1:${port} knows 12 temperatures, and refuses bad input.\n`,
    stderr: '',
  });
});

test('TensorFlow Serving may answer in float32, and gets no values beyond float32', async () => {
  const port = await serve((request, response) => {
    void text(request).then((body) => {
      const instances = /^\{"instances":\[([-+.\de,]+)\]\}$/.exec(body)?.[1]?.split(',').map(Number);
      // In another order, the largest float32 would overflow.
      const toCelsius = (fahrenheit: number) => Math.fround(Math.fround(fahrenheit - 32) * Math.fround(5 / 9));
      const predictions = instances?.map((fahrenheit) => toCelsius(Math.fround(fahrenheit)));
      response.writeHead(predictions ? 200 : 400).end(JSON.stringify({ predictions, error: 'Bad input' }));
    });
  });
  expect(await runScript(TFSERVING, port)).toMatchObject({
    exitCode: 0,
    stdout: `http://127.0.0.1:${port} knows 11 temperatures, and refuses bad input.\n`,
  });
});

test.each([
  [FUNCTION, 'GET /?fahrenheit=212 was answered 200 {"celsius":100.0001,', '; right is 200 with 100.'],
  [
    TFSERVING,
    'POST /v1/models/fahrenheit_to_celsius:predict {"instances":[212]} was answered 200 {"celsius":100.0001,',
    '; right is 200 with 100.',
  ],
  [FUNCTION, 'GET /?fahrenheit=warm was answered 200', '; right is 400 with the reason.'],
  [
    TFSERVING,
    'POST /v1/models/fahrenheit_to_celsius:predict {"instances":["warm"]} was answered 200',
    '; right is 400 with the reason.',
  ],
])('%s: wrong answers end the script with a sentence for each, as in %s', async (chart, answer, right) => {
  const port = await serve((_, response) => response.end('{"celsius":100.0001,"predictions":[100.0001]}'));
  const { exitCode, stdout, stderr } = await runScript(chart, port);
  expect(exitCode).toBe(1);
  expect(stdout).toBe('');
  const sentence = stderr.split('\n').find((line) => line.startsWith(answer));
  expect(sentence, stderr).toMatch(new RegExp(`${right}$`));
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function runScript(chart: string, port: number) {
  const script = readFileSync(`${chart}/files/known-temperatures.ts`, 'utf8');
  const KNOWN_TEMPERATURES = readFileSync(`${chart}/files/known-temperatures.csv`, 'utf8');
  const TARGET = chart === FUNCTION ? 'function' : 'tfserving';
  const env = { ...process.env, TARGET, URL: `http://127.0.0.1:${port}`, KNOWN_TEMPERATURES };
  const child = spawn('node', ['--input-type=module-typescript', '--eval', script], { env });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { exitCode: child.exitCode, stdout, stderr };
}
