// The function, over HTTP.

import type { TargetDefinition } from './target.ts';

export const theFunction: TargetDefinition = {
  name: 'the function',
  chart: 'function',
  portName: 'http',
  question: {
    path: '/?fahrenheit=212',
    options: { method: 'GET' },
    isAnswer: (body) => (body as { celsius?: unknown } | null)?.celsius === 100,
  },
  image: { variable: 'FUNCTION_IMAGE', repository: 'f2c-function', folder: 'function', port: 8080 },
  readCpu: ['/nodejs/bin/node', '--print', 'fs.readFileSync("/proc/cpuinfo", "utf8")'],
};
