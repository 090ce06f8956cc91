// What the load generator found when it asked once, instead of a load.

import * as v from 'valibot';
import { Failure } from '../../lib/failure.ts';

const CHECK = v.object({
  /** The row of the case, from 0; `many` if several were asked in one request. */
  case: v.union([v.number(), v.literal('many')]),
  /** The question, for people, and as it is sent: over HTTP, or as the message of gRPC in base64. */
  asked: v.string(),
  request: v.nullish(
    v.union([
      v.object({
        method: v.string(),
        path: v.string(),
        headers: v.record(v.string(), v.string()),
        body: v.nullable(v.string()),
      }),
      v.object({ message: v.string() }),
    ]),
  ),
  answer: v.nullable(
    v.union([
      v.object({ status: v.number(), headers: v.array(v.tuple([v.string(), v.string()])), body: v.string() }),
      v.object({ message: v.string() }),
    ]),
  ),
  /** A sentence; null if the answer is right. */
  wrong: v.nullable(v.string()),
  /** The value in the answer. */
  value: v.optional(v.unknown()),
  /** The FileDescriptorSet that the server told, in base64. */
  descriptors: v.nullish(v.string()),
});
export type Check = v.InferOutput<typeof CHECK>;

/**
 * @param log has a line of JSON for each question, and maybe others
 * @param details what else was said
 */
export function parseChecks(log: string, details = log): Check[] {
  const lines = log.split('\n').filter((line) => line.startsWith('{"case"'));
  if (lines.length === 0) throw new Failure('The load generator asked nothing.', details);
  return lines.map((line) => v.parse(CHECK, JSON.parse(line)));
}

/** @throws Failure if the only answer is not right, with what was asked and what came */
export function theRightOne(checks: readonly Check[], name: string): Check & { answer: NonNullable<Check['answer']> } {
  const [check] = checks;
  const answer = check?.answer;
  if (check && answer && check.wrong === null) return { ...check, answer };
  throw new Failure(
    `${name} does not answer rightly: ${check?.wrong ?? 'there was no answer'}`,
    `Asked: ${check?.asked ?? ''}`,
  );
}
