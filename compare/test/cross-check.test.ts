// `npm run cross-check`, as far as it gets without the other clients.

import { execa } from 'execa';
import { expect, test } from 'vitest';

const crossCheck = (...args: string[]) =>
  execa(process.execPath, ['compare/cross-check.ts', ...args], { reject: false, env: { PATH: '/nowhere' } });

test.each([
  ['function', 'vegeta'],
  ['tfserving-grpc', 'ghz'],
])('for %s, it says that %s is missing, before it measures anything', async (key, program) => {
  const { exitCode, stdout, stderr } = await crossCheck(`--${key}-url`, 'http://127.0.0.1:1');
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(new RegExp(`ERROR ${program} is not installed, or not on the path\\.$`));
});

test.each([
  [[], /give --function-url or --tfserving-url or --tfserving-grpc-url/],
  [['--function-url', 'http://127.0.0.1:1', '--rates', '300,fast'], /A whole number from 1 is wanted/],
])('%j is wrong use', async (args, sentence) => {
  const { exitCode, stderr } = await crossCheck(...args);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(sentence);
});
