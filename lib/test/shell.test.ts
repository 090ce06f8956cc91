// Runs programs that fail, and checks what is told of it.

import { expect, test, vi } from 'vitest';
import { openShell } from '../shell.ts';

test('git is asked about the folder that it is given, also in a hook of another repository', async () => {
  vi.stubEnv('GIT_DIR', '/nowhere/.git');
  const { run } = openShell(new AbortController().signal);
  expect(await run('sh', ['-c', 'echo "${GIT_DIR-none} $OTHER"'], { env: { OTHER: 'kept' } })).toBe('none kept');
  vi.unstubAllEnvs();
});

test.each([
  ['echo the cause; exit 1', 'the cause'],
  ['echo a step; echo the cause >&2; exit 1', 'a step\nthe cause'],
  ['kill -KILL $$', 'It was ended by SIGKILL.'],
])('%s: the cause is shown', async (script, details) => {
  const { run } = openShell(new AbortController().signal);
  await expect(run('sh', ['-c', script])).rejects.toMatchObject({ message: `This failed: sh -c ${script}`, details });
});
