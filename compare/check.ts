// `npm run compare -- --check`: asks every target each case once, and shows what was asked, what came, and what is wrong.

import { isUtf8 } from 'node:buffer';
import { unzipSync } from 'node:zlib';
import type { Progress } from '../lib/progress.ts';
import type { Place } from './place.ts';
import type { Check } from './servers/check.ts';
import { interfaceOf, type Comparison } from './servers/comparison.ts';

/** How many wrong answers of a target are shown. */
const SHOWN = 5;
/** A question or an answer may be long; its beginning tells what it is. */
const MOST_CHARACTERS = 300;

/** @returns whether all answers are right */
export async function checkTargets(place: Place, comparison: Comparison, progress: Progress): Promise<boolean> {
  let areRight = true;
  for (const target of place.interfaces) {
    const { name, answer } = interfaceOf(comparison, target);
    progress.begin(`asking ${name}`);
    const checks = await place.check(target);
    const wrong = checks.filter((check) => check.wrong !== null);
    areRight &&= wrong.length === 0;
    const text = [
      `${name} (${target}): ${checks.length - wrong.length} of ${checks.length} answers are right`,
      ...(wrong.length > 0 ? wrong.slice(0, SHOWN) : [checks[0], checks.find(({ case: row }) => row === 'many')])
        .filter((check) => check !== undefined)
        .flatMap(describe),
      ...(wrong.length > SHOWN ? [`  … and ${wrong.length - SHOWN} more`] : []),
      `  right is: ${answer}`,
    ];
    console.log(text.join('\n'));
  }
  return areRight;
}

function describe({ case: row, asked, answer, value, wrong }: Check): string[] {
  return [
    row === 'many' ? '  several cases in one request:' : `  case ${row + 1}:`,
    `    asked   ${short(asked)}`,
    `    answer  ${short(answer ? answerText(answer, value) : 'none')}`,
    `    ${wrong === null ? 'right' : `WRONG   ${wrong}`}`,
  ];
}

function answerText(answer: NonNullable<Check['answer']>, value: Check['value']): string {
  if ('message' in answer) {
    return `a message of ${Buffer.from(answer.message, 'base64').length} bytes, with ${JSON.stringify(value)}`;
  }
  return `${answer.status} ${textOf(Buffer.from(answer.body, 'base64'))}`;
}

function textOf(body: Buffer): string {
  try {
    return unzipSync(body).toString();
  } catch {
    return isUtf8(body) ? body.toString() : `${body.length} bytes that are not UTF-8`;
  }
}

function short(text: string): string {
  // A server may answer anything; a terminal must not act on it.
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}…` : line;
}
