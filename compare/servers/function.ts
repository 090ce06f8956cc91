// The function, over HTTP.

import type { HttpQuestion, Interfaces, ServerDefinition } from './server.ts';

export const functionServer: ServerDefinition = {
  name: 'the function',
  image: { variable: 'FUNCTION_IMAGE', folder: 'function' },
  readCpu: ['/nodejs/bin/node', '--print', 'fs.readFileSync("/proc/cpuinfo", "utf8")'],
};

export const FUNCTION_QUESTION: HttpQuestion = {
  path: '/?fahrenheit=212',
  options: { method: 'GET' },
  isAnswer: (body) => (body as { celsius?: unknown } | null)?.celsius === 100,
};

export const functionInterfaces: Interfaces<'function'> = {
  function: {
    server: 'function',
    name: functionServer.name,
    label: 'Function',
    protocol: 'http',
    port: 8080,
    question: FUNCTION_QUESTION,
  },
};
