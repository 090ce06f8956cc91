// Lists the targets. A new one is a file of its own, a line here, and its key in results/files.ts.

import { join } from 'node:path';
import type { Target } from '../../results/files.ts';
import type { Settings } from '../settings.ts';
import { theFunction } from './function.ts';
import type { HttpQuestion, TargetChart, TargetDefinition } from './target.ts';
import { tfservingGrpc } from './tfserving-grpc.ts';
import { tfserving } from './tfserving.ts';

export const DEFINITIONS: Readonly<Record<Target, TargetDefinition>> = {
  function: theFunction,
  tfserving,
  'tfserving-grpc': tfservingGrpc,
};

/** The program of the bare server, which answers the questions of all targets with constants. */
export const BARE_SERVER_CODE = join(import.meta.dirname, '../programs/bare-server.cjs');
/** The ports of the bare server, by the name of the port that targets have for such questions. */
export const BARE_SERVER_PORTS = { http: 8080, grpc: 8500 } as const;

/** @returns the first target of each chart, which stands for its server where that is measured rather than an interface */
export function onePerChart(targets: readonly Target[]): Target[] {
  return targets.filter((target) => targets.find((other) => chartOf(other) === chartOf(target)) === target);
}

/** Whether what answers a target runs elsewhere: all interfaces of a server do, if the address of one is given. */
export function runsElsewhere(target: Target, urls: Settings['urls']): boolean {
  return (Object.keys(urls) as Target[]).some((given) => chartOf(given) === chartOf(target));
}

/** Returns a sentence for each target that runs elsewhere, and whose own address is not given. */
export function withoutUrl(urls: Settings['urls']): string[] {
  return (Object.keys(DEFINITIONS) as Target[])
    .filter((target) => runsElsewhere(target, urls) && !urls[target])
    .map((target) => `${DEFINITIONS[target].name}: its server runs elsewhere; give --${target}-url.`);
}

export function chartOf(target: Target): TargetChart {
  return DEFINITIONS[target].chart;
}

/**
 * Whether a target gives the right answer at a URL now. A refused connection, a 503 or a wrong number all mean no.
 * @throws the reason of the signal if it is aborted
 */
export async function answersAt(target: Target, url: string, signal: AbortSignal): Promise<boolean> {
  const { question } = DEFINITIONS[target];
  if (typeof question !== 'function') return answers(question, signal, (path, options) => fetch(url + path, options));
  const isRight = await question(url);
  signal.throwIfAborted();
  return isRight;
}

/** The same for a question by HTTP, in whatever way it is sent. */
export async function answers(
  { path, options, isAnswer }: HttpQuestion,
  signal: AbortSignal,
  ask: (path: string, options: HttpQuestion['options'] & { signal: AbortSignal }) => Promise<Response>,
): Promise<boolean> {
  try {
    const response = await ask(path, { ...options, signal });
    return response.ok && isAnswer(await response.json());
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
