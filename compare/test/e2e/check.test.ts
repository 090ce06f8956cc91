// Asks servers on this machine each case once: those of the examples, and some that answer in odd ways.

import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { testIf } from '../../../test/needs.ts';
import { compare } from './run.ts';

const RIGHT = /: (\d+) of \1 answers are right/g;
const checkLocally = async (name: string, targets: number) => {
  const { text, exitCode } = await compare('--check', `examples/${name}/servers.yaml`, '--local').ended;
  expect(exitCode, text).toBe(0);
  expect(text.match(RIGHT), text).toHaveLength(targets);
};

testIf(spawnSync('go', ['version']).status === 0, 'go is not on PATH')('REST and gRPC in Go answer rightly', () =>
  checkLocally('rest-or-grpc', 2),
);

test('frameworks for Node.js answer rightly', () => checkLocally('node-frameworks', 6));

test('model servers answer rightly, over the protocols that they share', async () => {
  const { text, exitCode } = await compare('--check', 'examples/model-servers/servers.yaml', '--local').ended;
  expect(exitCode, text).toBe(0);
  // TensorFlow Serving is there where Docker has its image.
  for (const name of ['FastAPI with ONNX Runtime', 'MLServer', 'MLServer over gRPC', 'LitServe'])
    expect(text).toMatch(new RegExp(`^${name} \\(.*: (\\d+) of \\1 answers are right$`, 'm'));
}, 900_000);

test('answers that are right in any form are taken, and of others it is shown what is wrong', async () => {
  const { text, exitCode } = await compare('--check', 'compare/test/e2e/odd/servers.yaml', '--local').ended;
  expect(exitCode, text).toBe(3);
  for (const right of ['gzip', 'chunked', 'closing'])
    expect(text).toContain(`${right} (${right}): 2 of 2 answers are right`);
  const wrong = (kind: string) =>
    new RegExp(`^${kind} \\(.*: 0 of 2 answers are right[^]*?WRONG   (.*)$`, 'm').exec(text)?.[1];
  expect(wrong('redirect')).toMatch(/^GET \/1: the status is 302: .*location: \/elsewhere/);
  expect(wrong('html')).toMatch(/the answer is not JSON: it is <html>/);
  expect(wrong('nan')).toMatch(/a value at \/double is wrong: \/double is NaN, and 2 was expected/);
  expect(wrong('text')).toMatch(/a value at \/double is not a number, but a text: \/double is "2", and 2 was expected/);
  expect(wrong('missing')).toMatch(/the answer has nothing at \/double: it is \{\}/);
  expect(wrong('loading')).toMatch(/the status is 503/);
  expect(text).toContain('loading has answered nothing rightly within 4 s; its log says last: Loading the model');
});
