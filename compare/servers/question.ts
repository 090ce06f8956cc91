// Asks one case by HTTP, again and again until a server that starts gives the right answer.

import type { Recorded, Recordings } from './bare-server.ts';
import { interfaceOf, type AnswerRecord, type Comparison } from './comparison.ts';
import { isObject } from './templates.ts';
import type { Interface } from '../../results/files.ts';

/** A question that this process itself can send, and what is right. */
export interface Question {
  readonly request: Extract<Recorded['request'], { method: string }>;
  readonly isRight: (body: unknown) => boolean;
}

/** Headers that belong to a connection to one host. */
const OWN = ['host', 'connection', 'content-length', 'user-agent'];

/** The question of the first case; undefined where it is not asked by HTTP. */
export function questionOf(comparison: Comparison, target: Interface, recordings: Recordings): Question | undefined {
  const request = recordings.get(target)?.request;
  const { record } = interfaceOf(comparison, target);
  const { answer } = record;
  if (!request || 'message' in request || !answer) return undefined;
  const expected = JSON.parse(comparison.cases[answer.is]?.[0] ?? 'null') as unknown;
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !OWN.includes(name.toLowerCase())),
  );
  return {
    request: { ...request, headers },
    isRight: (body) => isRight(body, expected, answer, record.ask === undefined),
  };
}

/** @param isList whether one case is asked as several are */
function isRight(body: unknown, expected: unknown, answer: AnswerRecord, isList: boolean): boolean {
  const pointers = isList ? answer.many.map((pointer) => `${pointer}/0${answer.each}`) : answer.at;
  const value = pointers.map((pointer) => valueAt(body, pointer)).find((each) => each !== undefined);
  if (typeof value !== 'number' || typeof expected !== 'number') return value === expected;
  return Math.abs(value - expected) <= answer.absolute + answer.relative * Math.abs(expected);
}

/** @param pointer RFC 6901 */
function valueAt(document: unknown, pointer: string): unknown {
  const keys = pointer.split('/').slice(1);
  return keys.reduce<unknown>((value, key) => {
    const name = key.replaceAll('~1', '/').replaceAll('~0', '~');
    return isObject(value) ? value[name] : undefined;
  }, document);
}

/**
 * Whether a question gets the right answer now. A refused connection, a 503 or a wrong value all mean no.
 * @param ask sends it
 * @throws the reason of the signal if it is aborted
 */
export async function isAnswered(
  { request, isRight }: Question,
  signal: AbortSignal,
  ask: (
    path: string,
    options: { method: string; headers: Readonly<Record<string, string>>; body?: string; signal: AbortSignal },
  ) => Promise<Response>,
): Promise<boolean> {
  const { method, path, headers, body } = request;
  try {
    const response = await ask(path, { method, headers, ...(body !== null && { body }), signal });
    return response.ok && isRight(await response.json());
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
