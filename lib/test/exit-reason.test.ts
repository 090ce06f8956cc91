// Tests what is said of a process or a container that has ended.

import { expect, test } from 'vitest';
import { describeEnding, type Ending } from '../exit-reason.ts';

test.each<[Ending, string]>([
  [{ exitCode: 137, reason: 'OOMKilled' }, 'was killed for lack of memory (exit code 137, OOMKilled).'],
  [
    { exitCode: 1, reason: 'OOMKilled', message: 'BROKEN function: Locust has ended by SIGKILL\n' },
    'was killed for lack of memory (exit code 1, OOMKilled). It said: BROKEN function: Locust has ended by SIGKILL',
  ],
  [
    { exitCode: 137, reason: 'Error', message: '' },
    'was killed by SIGKILL, as also happens when a machine runs out of memory (exit code 137, Error).',
  ],
  [{ exitCode: 143 }, 'was ended from outside by SIGTERM (exit code 143).'],
  [{ exitCode: 2, reason: 'Error', message: 'f2c_loadtest: no.' }, 'ended with exit code 2: f2c_loadtest: no.'],
  [{ exitCode: 139, reason: 'Error', message: '\n' }, 'ended with exit code 139: Error'],
  [{ exitCode: 1 }, 'ended with exit code 1: no reason is known.'],
])('%j %s', (ending, sentence) => expect(describeEnding(ending)).toBe(sentence));
