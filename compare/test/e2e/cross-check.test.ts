// Runs `npm run cross-check` with a real vegeta, and a fake of TensorFlow Serving. The figures of that fake mean nothing.

import { delimiter, dirname } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { goTool } from '../../../.github/scripts/go-tool.ts';
import { startFake } from '../fake-tfserving.ts';

test('both clients ask the same, and their percentiles stand side by side', async () => {
  const fake = await startFake();
  const PATH = [dirname(goTool('vegeta')), process.env.PATH].join(delimiter);
  const args = ['--tfserving-url', fake.url, '--rates', '50', '--rounds', '1', '--seconds', '3'];
  const { exitCode, stdout, stderr } = await execa(process.execPath, ['compare/cross-check.ts', ...args], {
    reject: false,
    env: { PATH },
  }).finally(() => fake.stop());
  // Which of the two is higher depends on how busy this machine is.
  expect([0, 3], stderr).toContain(exitCode);
  const figures = String.raw`\d+\.\d\d \| \d+\.\d\d \| \d+\.\d\d \| (agrees|lower|higher)`;
  for (const share of ['p50', 'p95', 'p99']) {
    expect(stdout).toMatch(new RegExp(String.raw`^\| TensorFlow Serving \| 50 \| ${share} \| ${figures} \|$`, 'm'));
  }
}, 120_000);
