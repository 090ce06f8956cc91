// Runs programs that fail, and checks what is told of it.

import { expect, test } from 'vitest';
import { openShell } from '../compare/shell.ts';

test.each([
  ['echo the cause; exit 1', 'the cause'],
  ['echo a step; echo the cause >&2; exit 1', 'a step\nthe cause'],
  ['kill -KILL $$', 'It was ended by SIGKILL.'],
])('%s: the cause is shown', async (script, details) => {
  const { run } = openShell(new AbortController().signal);
  await expect(run('sh', ['-c', script])).rejects.toMatchObject({ message: `This failed: sh -c ${script}`, details });
});
