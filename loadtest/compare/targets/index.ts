// Lists the targets. A new one is a file of its own, a line here, and its key in results/files.ts.

import { join } from 'node:path';
import type { Target } from '../../../results/files.ts';
import { theFunction } from './function.ts';
import type { TargetDefinition } from './target.ts';
import { tfserving } from './tfserving.ts';

export const DEFINITIONS: Readonly<Record<Target, TargetDefinition>> = { function: theFunction, tfserving };

/** The program of the bare server, which answers the questions of all targets with constants. */
export const BARE_SERVER_CODE = join(import.meta.dirname, '../bare-server.cjs');

/**
 * Whether a target gives the right answer now. A refused connection, a 503 or a wrong number all mean no.
 * @throws the reason of the signal if it is aborted
 */
export async function answers(
  target: Target,
  signal: AbortSignal,
  ask: (path: string, options: RequestInit) => Promise<Response>,
): Promise<boolean> {
  const { path, options, isAnswer } = DEFINITIONS[target].question;
  try {
    const response = await ask(path, { ...options, signal });
    return response.ok && isAnswer(await response.json());
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
