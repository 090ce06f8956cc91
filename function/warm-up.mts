// Starts the bundle once, has it answer, and stops it. Node then leaves what it compiled in NODE_COMPILE_CACHE,
// which spares each later start that work. The image build runs it, and so tries the bundle in the image.
//
//   NODE_COMPILE_CACHE=FOLDER node [OPTION...] function/warm-up.mts    with the options of the later starts

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
