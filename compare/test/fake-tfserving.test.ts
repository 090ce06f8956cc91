// Compares the fake of TensorFlow Serving with exchanges that were recorded from the real one.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import recorded from '../../loadtest/test/tfserving-exchanges.json' with { type: 'json' };
import { startFake } from './fake-tfserving.ts';

const fake = await startFake();
afterAll(fake.stop);

/** The recorded requests that no other test sends. The fake answers them with 501. */
const WITHOUT_ANSWER = [
  'metadata',
  'status of a missing version',
  'predict, named input, row form',
  'predict, named column form',
  'predict, scalar for a batch input',
  'predict, both forms',
  'predict, unknown signature',
  'predict, unknown input name',
  'predict, nested list',
];

const known = recorded.exchanges.filter(({ name }) => !WITHOUT_ANSWER.includes(name));

test.each(known)('$name: the same bytes as the real one', async ({ request, response }) => {
  expect(await ask(request)).toEqual(response);
});

test.each(recorded.exchanges.filter((exchange) => !known.includes(exchange)))(
  '$name: no guess',
  async ({ request }) => {
    const { status, body } = await ask(request);
    expect(status).toBe(501);
    expect(body).toContain('This is a fake of TensorFlow Serving for tests, which has no answer to ');
  },
);

test('many values in one request', async () => {
  const fahrenheit = Array.from({ length: 10_000 }, (_, index) => index / 7 - 459);
  const body = JSON.stringify({ instances: fahrenheit });
  const answer = await ask({ method: 'POST', path: '/v1/models/fahrenheit_to_celsius:predict', body });
  const { predictions } = JSON.parse(answer.body) as { predictions: number[] };
  expect(predictions).toHaveLength(10_000);
  predictions.forEach((celsius, index) => {
    const exact = ((fahrenheit[index]! - 32) * 5) / 9;
    // 2⁻²⁴ is the relative error of one rounding to float32. It happens to the input, and three times in the formula.
    expect(Math.abs(celsius - exact)).toBeLessThanOrEqual(
      2 ** -24 * (Math.abs(fahrenheit[index]!) + 3 * Math.abs(exact)),
    );
  });
});

test('as a process, it prints its address, and that it is a fake', async () => {
  const child = spawn('node', ['compare/test/fake-tfserving.ts'], { env: { ...process.env, PORT: '0' } });
  onTestFinished(() => void child.kill());
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const [, url = ''] = /^(http:\S+) is a fake for tests .* It is not TensorFlow Serving\.$/.exec(line) ?? [];
  const response = await fetch(`${url}/v1/models/fahrenheit_to_celsius`);
  expect(response.status).toBe(200);
});

async function ask({ method, path, body }: { method: string; path: string; body?: string }) {
  const response = await fetch(fake.url + path, { method, ...(body !== undefined && { body }) });
  return {
    status: response.status,
    contentType: response.headers.get('content-type'),
    body: await response.text(),
  };
}
