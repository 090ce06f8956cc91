// `helm test` runs this script in a pod. It asks TensorFlow Serving to convert the known temperatures, prints a
// sentence for each wrong answer, and then ends with exit code 1.

import { setTimeout } from 'node:timers/promises';

const { URL = '', KNOWN_TEMPERATURES = '' } = process.env;
const MODEL = '/v1/models/fahrenheit_to_celsius';
const known = KNOWN_TEMPERATURES.trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(',', 2).map(Number) as [fahrenheit: number, celsius: number])
  // The model takes float32, so values beyond its range would become infinite.
  .filter(([fahrenheit]) => Number.isFinite(Math.fround(fahrenheit)));

let wrong = 0;
await untilAvailable(Date.now() + 60_000);
for (const temperature of known) await expectCelsius([temperature]);
await expectCelsius(known);
await expectError('{"instances":["warm"]}');
await expectError('{"instances":[');
await expectError('{}');
if (wrong > 0) process.exit(1);
console.log(`${URL} knows ${known.length} temperatures, and refuses bad input.`);

/** Waits for the first answer: nothing accepts connections to a service until one of its pods is ready. */
async function untilAvailable(deadline: number) {
  for (;;) {
    try {
      await ask(MODEL);
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

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(URL + path, { ...init, signal: AbortSignal.timeout(10_000) });
  return { status: response.status, text: await response.text() };
}

function predict(body: string) {
  return ask(`${MODEL}:predict`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}

async function expectCelsius(expected: [fahrenheit: number, celsius: number][]) {
  const body = JSON.stringify({ instances: expected.map(([fahrenheit]) => fahrenheit) });
  const { status, text } = await predict(body);
  const predictions = status === 200 ? (JSON.parse(text) as { predictions: number[] }).predictions : [];
  // The model rounds to float32 three times, and the question is rounded once: model/README.md derives the tolerance.
  const isRight = ([fahrenheit, celsius]: [fahrenheit: number, celsius: number], at: number) =>
    Math.abs((predictions[at] ?? NaN) - celsius) <=
    3 * 2 ** -24 * Math.abs(celsius) + Math.abs(fahrenheit - Math.fround(fahrenheit));
  const isRightInAll = predictions.length === expected.length && expected.every(isRight);
  if (!isRightInAll) report(body, `${status} ${text}`, `200 with ${expected.map(([, celsius]) => celsius).join(', ')}`);
}

async function expectError(body: string) {
  const { status, text } = await predict(body);
  if (status !== 400 || !text.includes('"error"')) report(body, `${status} ${text}`, '400 with the reason');
}

function report(body: string, answer: string, expected: string) {
  wrong++;
  console.error(`${body} was answered ${answer}; right is ${expected}.`);
}
