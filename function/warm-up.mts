// Starts the bundle once, asks it one question, and stops it. Node then keeps the compiled code in NODE_COMPILE_CACHE,
// so later starts need not compile it again. The image build runs this script, which also proves that the bundle works
// in the image. The options for Node must be those of the later starts:
//
//   NODE_COMPILE_CACHE=FOLDER node [OPTION...] function/warm-up.mts

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const service = spawn(process.execPath, [...process.execArgv, join(import.meta.dirname, 'dist/main.cjs')], {
  env: { ...process.env, PORT: '0', DRAIN_DELAY_SECONDS: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const stopped = once(service, 'exit');

createInterface(service.stdout).once('line', (line) => {
  const { url } = JSON.parse(line) as { url: string };
  void fetch(url).then(async (answer) => {
    console.log(await answer.text());
    service.kill();
  });
});

const [exitCode] = (await stopped) as [number];
process.exitCode = exitCode;
