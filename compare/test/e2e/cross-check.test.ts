// Runs `npm run cross-check` with a real vegeta and a real ghz, the real function, and a stub of TensorFlow Serving. The
// figures of that stub mean nothing.

import { delimiter, dirname } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { goTool } from '../../../.github/scripts/go-tool.ts';
import { SOURCE, startProcess } from '../../../function/test/service.ts';
import { startStub } from './tfserving-stub.ts';

test('all clients ask the same, and their percentiles stand side by side', async () => {
  const { port, stop } = await startProcess(SOURCE);
  onTestFinished(stop);
  const stub = await startStub();
  onTestFinished(stub.stop);
  const stubs = ['--tfserving-url', stub.url, '--tfserving-grpc-url', stub.grpcUrl];
  const urls = ['--function-url', `http://127.0.0.1:${port}/`, ...stubs];
  const options = ['--rates', '50', '--rounds', '1', '--seconds', '3'];
  const { exitCode, stdout, stderr } = await execa(process.execPath, ['compare/cross-check.ts', ...urls, ...options], {
    reject: false,
    env: { PATH: [...['vegeta', 'ghz'].map((name) => dirname(goTool(name))), process.env.PATH].join(delimiter) },
  });
  // Which of the two is higher depends on how busy this machine is.
  expect([0, 3], stderr).toContain(exitCode);
  const figures = String.raw`\d+\.\d\d \| \d+\.\d\d \| \d+\.\d\d`;
  for (const [name, other] of [
    ['the function', 'vegeta'],
    ['TensorFlow Serving', 'vegeta'],
    ['TensorFlow Serving over gRPC', 'ghz'],
  ]) {
    for (const percentile of ['p50', 'p95', 'p99']) {
      const row = String.raw`^\| ${name} \| 50 \| ${percentile} \| ${figures} \| ${other} \| (agrees|lower|higher) \|$`;
      expect(stdout).toMatch(new RegExp(row, 'm'));
    }
  }
}, 480_000);
