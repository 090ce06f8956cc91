// Times the function's first answer on Knative Serving, when no pod of it runs.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../lib/failure.ts';
import { FUNCTION_QUESTION } from '../servers/function.ts';
import { deployBareServer, removeBareServer } from './bare-server.ts';
import { installChart } from './releases.ts';
import { BARE_SERVER, FROM_ZERO, kubectl, podsBy, selectorOf, type ClusterSession } from './session.ts';

const READY_SECONDS = 60;
/** How long no request must have come until Knative takes the last pod away: the shortest time that it accepts. */
const WINDOW = '6s';
/** Knative also waits until its network sends requests elsewhere, by default for half a minute at most. */
const ZERO_SECONDS = 180;
const ASK_ONCE = join(import.meta.dirname, '../programs/ask-once.cjs');

interface KnativeService {
  status?: { conditions?: { type: string; status: 'True' | 'False' | 'Unknown'; message?: string }[] };
}

export async function runsKnative({ api }: ClusterSession): Promise<boolean> {
  const { groups } = await api.get<{ groups: { name: string }[] }>('/apis');
  return groups.some((group) => group.name === 'serving.knative.dev');
}

/**
 * Installs the function as a Knative service.
 * @returns why there is none, as a sentence; undefined once it is ready
 */
export async function installOnKnative(session: ClusterSession): Promise<string | undefined> {
  const { api, shell, name } = session;
  if (!(await runsKnative(session))) return 'The cluster has no Knative Serving.';

  const fromZero = { 'knative.enabled': true, 'autoscaling.enabled': true, 'autoscaling.minReplicas': 0 };
  const window = { 'podAnnotations.autoscaling\\.knative\\.dev/window': WINDOW };
  let why = '';
  try {
    await installChart(session, 'function', { ...fromZero, ...window }, FROM_ZERO);
    await shell.until('The function is ready on Knative', READY_SECONDS, async () => {
      const path = `/apis/serving.knative.dev/v1/namespaces/${name}/services/${FROM_ZERO}`;
      const { status } = await api.get<KnativeService>(path);
      const conditions = status?.conditions ?? [];
      // Ready itself only says that another condition is not met. That one tells why.
      why = conditions.find(({ type, status }) => type !== 'Ready' && status === 'False')?.message ?? '';
      return conditions.some(({ type, status }) => type === 'Ready' && status === 'True') || undefined;
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    await shell.run('helm', ['uninstall', FROM_ZERO, '--namespace', name, '--ignore-not-found']);
    const remedy = 'chart/README.md#on-knative tells which images Knative finds.';
    return [error.message, why || error.details, remedy].filter(Boolean).join(' ');
  }
}

/**
 * Waits until no pod of the function runs on Knative, and asks it from a pod in the cluster.
 * @returns milliseconds from the request to its right answer
 * @throws Failure if Knative does not scale to zero, or the answer is not right
 */
export async function scaleFromZero(session: ClusterSession): Promise<number> {
  await deployBareServer(session);
  try {
    await session.shell.until('Knative has taken the last pod of the function away', ZERO_SECONDS, async () => {
      const pods = await podsBy(session, selectorOf(FROM_ZERO));
      return pods.length === 0 || undefined;
    });
    const url = `http://${FROM_ZERO}.${session.name}.svc${FUNCTION_QUESTION.path}`;
    // The image of the bare server has Node and no shell.
    const command = ['/nodejs/bin/node', '--eval', readFileSync(ASK_ONCE, 'utf8'), url];
    const container = [`deployment/${BARE_SERVER}`, '--container', BARE_SERVER];
    const printed = await kubectl(session, 'exec', ...container, '--', ...command);
    const { milliseconds, status, text } = JSON.parse(printed) as {
      milliseconds: number;
      status: number;
      text: string;
    };
    if (status === 200 && FUNCTION_QUESTION.isAnswer(JSON.parse(text))) return milliseconds;
    throw new Failure(`The function on Knative answered ${status} instead of 100 °C.`, text);
  } finally {
    await removeBareServer(session);
  }
}
