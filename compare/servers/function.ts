// The function, over HTTP.

import type { HttpQuestion, TargetDefinition } from './target.ts';

export const theFunction = {
  name: 'the function',
  chart: 'function',
  portName: 'http',
  port: 8080,
  question: {
    path: '/?fahrenheit=212',
    options: { method: 'GET' },
    isAnswer: (body) => (body as { celsius?: unknown } | null)?.celsius === 100,
  } satisfies HttpQuestion,
  image: { variable: 'FUNCTION_IMAGE', repository: 'f2c-function', folder: 'function' },
  readCpu: ['/nodejs/bin/node', '--print', 'fs.readFileSync("/proc/cpuinfo", "utf8")'],
} as const satisfies TargetDefinition;
