// `helm test` runs this script in a pod. It asks the function to convert the known temperatures, prints a sentence for
// each wrong answer, and then ends with exit code 1.

import { setTimeout } from 'node:timers/promises';

const { URL = '', KNOWN_TEMPERATURES = '' } = process.env;
const known = KNOWN_TEMPERATURES.trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(',', 2).map(Number) as [fahrenheit: number, celsius: number]);

let wrong = 0;
await untilAnswered(Date.now() + 60_000);
for (const [fahrenheit, celsius] of known) {
  await expectCelsius([celsius], `/?${new URLSearchParams({ fahrenheit: String(fahrenheit) }).toString()}`);
}
await expectCelsius(
  known.map(([, celsius]) => celsius),
  '/',
  JSON.stringify({ fahrenheit: known.map(([fahrenheit]) => fahrenheit) }),
);
await expectProblem(400, '/');
await expectProblem(400, '/?fahrenheit=warm');
await expectProblem(400, '/', '{"fahrenheit":');
await expectProblem(422, '/?fahrenheit=-460');
if (wrong > 0) process.exit(1);
console.log(`${URL} knows ${known.length} temperatures, and refuses bad input.`);

/** Waits for the first answer: nothing accepts connections to a service until one of its pods is ready. */
async function untilAnswered(deadline: number) {
  for (;;) {
    try {
      await ask('/');
      return;
    } catch (error) {
      if (Date.now() > deadline) {
        console.error(`${URL} does not answer: ${String((error as Error).cause ?? error)}`);
        process.exit(1);
      }
      await setTimeout(500);
    }
  }
}

/** Sends a GET, or a POST if there is a body. */
async function ask(path: string, body?: string) {
  const post = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  const response = await fetch(URL + path, { ...post, signal: AbortSignal.timeout(10_000) });
  return { status: response.status, text: await response.text() };
}

async function expectCelsius(expected: number[], path: string, body?: string) {
  const { status, text } = await ask(path, body);
  const celsius = status === 200 ? [(JSON.parse(text) as { celsius: number | number[] }).celsius].flat() : [];
  // The function's answer is less than 2 ulp from the exact value, and the known temperature less than 1 ulp.
  const isRight = (value: number, at: number) =>
    Math.abs((celsius[at] ?? NaN) - value) <= 3 * Number.EPSILON * Math.abs(value);
  const isRightInAll = celsius.length === expected.length && expected.every(isRight);
  if (!isRightInAll) report(path, body, `${status} ${text}`, `200 with ${expected.join(', ')}`);
}

async function expectProblem(expected: number, path: string, body?: string) {
  const { status, text } = await ask(path, body);
  const isRight = status === expected && text.includes('"detail"');
  if (!isRight) report(path, body, `${status} ${text}`, `${expected} with the reason`);
}

function report(path: string, body: string | undefined, answer: string, expected: string) {
  wrong++;
  const question = body === undefined ? `GET ${path}` : `POST ${path} ${body}`;
  console.error(`${question} was answered ${answer}; right is ${expected}.`);
}
