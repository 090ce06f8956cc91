// Defines what the command knows about each target: its name, and one request with its right answer.

import { join } from 'node:path';
import type { Target } from '../../results/files.ts';

export const NAMES: Record<Target, string> = { function: 'the function', tfserving: 'TensorFlow Serving' };

/** The program of the bare server, which answers the questions of all targets with constants. */
export const BARE_SERVER_CODE = join(import.meta.dirname, 'bare-server.cjs');

/** One conversion for each target, which checks that it answers, and that the answer is right. */
export const QUESTIONS: Record<
  Target,
  {
    path: string;
    options: { method: string; body?: string; headers?: Record<string, string> };
    isAnswer: (body: unknown) => boolean;
  }
> = {
  function: {
    path: '/?fahrenheit=212',
    options: { method: 'GET' },
    isAnswer: (body) => (body as { celsius?: unknown } | null)?.celsius === 100,
  },
  tfserving: {
    path: '/v1/models/fahrenheit_to_celsius:predict',
    options: { method: 'POST', body: '{"instances":[212]}', headers: { 'content-type': 'application/json' } },
    isAnswer(body) {
      const [celsius] = (body as { predictions?: unknown[] } | null)?.predictions ?? [];
      // The tolerance of float32 that model/README.md derives; 212 itself is a float32.
      return Math.abs(Number(celsius) - 100) <= 3 * 2 ** -24 * 100;
    },
  },
};

/**
 * Whether a target gives the right answer now. A refused connection, a 503 or a wrong number all mean no.
 * @throws the reason of the signal if it is aborted
 */
export async function answers(
  target: Target,
  signal: AbortSignal,
  ask: (path: string, options: RequestInit) => Promise<Response>,
): Promise<boolean> {
  const { path, options, isAnswer } = QUESTIONS[target];
  try {
    const response = await ask(path, { ...options, signal });
    return response.ok && isAnswer(await response.json());
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
