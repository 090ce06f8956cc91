// `helm test` runs this in a pod: it asks the target that TARGET names, and ends with exit code 1 and a sentence for each
// wrong answer. The charts of both targets have this file.

import { setTimeout } from 'node:timers/promises';

type Temperature = [fahrenheit: number, celsius: number];
interface Question {
  path: string;
  /** Makes a POST of it. */
  body?: string;
}
interface Target {
  /** This path answers as soon as the target does. */
  ready: string;
  takes: (fahrenheit: number) => boolean;
  one: (fahrenheit: number) => Question;
  many: (fahrenheit: number[]) => Question;
  celsius: (answer: string) => number[];
  /** How far an answer may be from the known temperature, in °C. */
  tolerance: (known: Temperature) => number;
  bad: [status: number, question: Question][];
  /** A refusal has this in its answer. */
  reason: string;
}

const FUNCTION: Target = {
  ready: '/',
  takes: () => true,
  one: (fahrenheit) => ({ path: `/?${new URLSearchParams({ fahrenheit: String(fahrenheit) }).toString()}` }),
  many: (fahrenheit) => ({ path: '/', body: JSON.stringify({ fahrenheit }) }),
  celsius: (answer) => [(JSON.parse(answer) as { celsius: number | number[] }).celsius].flat(),
  // The function's answer is less than 2 ulp from the exact value, the known one less than 1.
  tolerance: ([, celsius]) => 3 * Number.EPSILON * Math.abs(celsius),
  bad: [
    [400, { path: '/' }],
    [400, { path: '/?fahrenheit=warm' }],
    [400, { path: '/', body: '{"fahrenheit":' }],
    [422, { path: '/?fahrenheit=-460' }],
  ],
  reason: '"detail"',
};

const predict = (body: string): Question => ({ path: '/v1/models/fahrenheit_to_celsius:predict', body });
const TFSERVING: Target = {
  ready: '/v1/models/fahrenheit_to_celsius',
  // The model takes float32: what is beyond its range would become infinite.
  takes: (fahrenheit) => Number.isFinite(Math.fround(fahrenheit)),
  one: (fahrenheit) => predict(JSON.stringify({ instances: [fahrenheit] })),
  many: (fahrenheit) => predict(JSON.stringify({ instances: fahrenheit })),
  celsius: (answer) => (JSON.parse(answer) as { predictions: number[] }).predictions,
  // Three roundings to float32 in the model, and one of the question: model/README.md has the reason.
  tolerance: ([fahrenheit, celsius]) =>
    3 * 2 ** -24 * Math.abs(celsius) + Math.abs(fahrenheit - Math.fround(fahrenheit)),
  bad: ['{"instances":["warm"]}', '{"instances":[', '{}'].map((body) => [400, predict(body)]),
  reason: '"error"',
};

const { URL = '', TARGET, KNOWN_TEMPERATURES = '' } = process.env;
const target = TARGET === 'tfserving' ? TFSERVING : FUNCTION;
const known = KNOWN_TEMPERATURES.trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(',', 2).map(Number) as Temperature)
  .filter(([fahrenheit]) => target.takes(fahrenheit));

let wrong = 0;
await untilAnswered(Date.now() + 60_000);
for (const temperature of known) await expectCelsius([temperature], target.one(temperature[0]));
await expectCelsius(known, target.many(known.map(([fahrenheit]) => fahrenheit)));
for (const [status, question] of target.bad) await expectRefusal(status, question);
if (wrong > 0) process.exit(1);
console.log(`${URL} knows ${known.length} temperatures, and refuses bad input.`);

/** Waits for the first answer: nothing accepts connections to a service until one of its pods is ready. */
async function untilAnswered(deadline: number) {
  for (;;) {
    try {
      await ask({ path: target.ready });
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

async function ask({ path, body }: Question) {
  const post = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  const response = await fetch(URL + path, { ...post, signal: AbortSignal.timeout(10_000) });
  return { status: response.status, text: await response.text() };
}

async function expectCelsius(expected: Temperature[], question: Question) {
  const { status, text } = await ask(question);
  const celsius = status === 200 ? target.celsius(text) : [];
  const isRight = (temperature: Temperature, at: number) =>
    Math.abs((celsius[at] ?? NaN) - temperature[1]) <= target.tolerance(temperature);
  const isRightInAll = celsius.length === expected.length && expected.every(isRight);
  if (!isRightInAll) report(question, `${status} ${text}`, `200 with ${expected.map(([, right]) => right).join(', ')}`);
}

async function expectRefusal(expected: number, question: Question) {
  const { status, text } = await ask(question);
  const isRight = status === expected && text.includes(target.reason);
  if (!isRight) report(question, `${status} ${text}`, `${expected} with the reason`);
}

function report({ path, body }: Question, answer: string, expected: string) {
  wrong++;
  const asked = body === undefined ? `GET ${path}` : `POST ${path} ${body}`;
  console.error(`${asked} was answered ${answer}; right is ${expected}.`);
}
