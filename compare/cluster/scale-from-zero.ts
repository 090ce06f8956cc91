// Times a server's first answer on Knative Serving, when no pod of it runs.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../lib/failure.ts';
import type { Server } from '../../results/files.ts';
import type { Recordings } from '../servers/bare-server.ts';
import { onKnative, serverOf } from '../servers/comparison.ts';
import type { Question } from '../servers/question.ts';
import { deployBareServer, removeBareServer } from './bare-server.ts';
import { installRelease, render } from './helm.ts';
import type { Release } from './objects.ts';
import { BARE_SERVER, kubectl, podsBy, selectorOf, type ClusterSession } from './session.ts';

const READY_SECONDS = 60;
/** How long no request must have come until Knative takes the last pod away: the shortest time that it accepts. */
const WINDOW = '6s';
/** Knative also waits until its network sends requests elsewhere, by default for half a minute at most. */
const ZERO_SECONDS = 180;
const ASK_ONCE = join(import.meta.dirname, '../programs/ask-once.cjs');

interface KnativeService {
  apiVersion: string;
  metadata: { name: string };
  status?: { conditions?: { type: string; status: 'True' | 'False' | 'Unknown'; message?: string }[] };
}

export async function runsKnative({ api }: ClusterSession): Promise<boolean> {
  const { groups } = await api.get<{ groups: { name: string }[] }>('/apis');
  return groups.some((group) => group.name === 'serving.knative.dev');
}

/** The second release of a server's chart, which is a Knative service. */
function knativeRelease({ settings }: ClusterSession, server: Server): Release | undefined {
  const { chart } = serverOf(settings.comparison, server);
  if (!chart?.knative) return undefined;
  const { path, values, set, knative } = chart;
  return { key: server, name: onKnative(chart.release), path, values, set: { ...set, ...knative } };
}

/**
 * Installs a server as a Knative service.
 * @returns why there is none, as a sentence; undefined once it is ready
 */
export async function installOnKnative(session: ClusterSession, server: Server): Promise<string | undefined> {
  const { api, shell, name } = session;
  if (!(await runsKnative(session))) return 'The cluster has no Knative Serving.';
  const release = knativeRelease(session, server);
  const called = serverOf(session.settings.comparison, server).name;
  if (!release) return `The chart of ${called} makes no Knative service.`;

  const values = { 'podAnnotations.autoscaling\\.knative\\.dev/window': WINDOW };
  let why = '';
  try {
    await installRelease(session, release, values);
    await shell.until(`On Knative, ${called} is ready`, READY_SECONDS, async () => {
      const path = `/apis/serving.knative.dev/v1/namespaces/${name}/services/${await serviceOf(session, release)}`;
      const { status } = await api.get<KnativeService>(path);
      const conditions = status?.conditions ?? [];
      // Ready itself only says that another condition is not met. That one tells why.
      why = conditions.find(({ type, status }) => type !== 'Ready' && status === 'False')?.message ?? '';
      return conditions.some(({ type, status }) => type === 'Ready' && status === 'True') || undefined;
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    await shell.run('helm', ['uninstall', release.name, '--namespace', name, '--ignore-not-found']);
    const remedy = 'chart/README.md#on-knative tells which images Knative finds.';
    return [error.message, why || error.details, remedy].filter(Boolean).join(' ');
  }
}

/**
 * Waits until no pod of a server runs on Knative, and asks it from a pod in the cluster.
 * @returns milliseconds from the request to its right answer
 * @throws Failure if Knative does not scale to zero, or the answer is not right
 */
export async function scaleFromZero(
  session: ClusterSession,
  server: Server,
  { request, isRight }: Question,
  recordings: Recordings,
): Promise<number> {
  const release = knativeRelease(session, server);
  if (!release) throw new Error(`${server} is not on Knative`);
  const called = serverOf(session.settings.comparison, server).name;
  await deployBareServer(session, recordings);
  try {
    await session.shell.until(`Knative has taken the last pod of ${called} away`, ZERO_SECONDS, async () => {
      const pods = await podsBy(session, selectorOf(release.name));
      return pods.length === 0 || undefined;
    });
    const url = `http://${await serviceOf(session, release)}.${session.name}.svc${request.path}`;
    // The image of the bare server has Node and no shell.
    const command = ['/nodejs/bin/node', '--eval', readFileSync(ASK_ONCE, 'utf8'), url, JSON.stringify(request)];
    const container = [`deployment/${BARE_SERVER}`, '--container', BARE_SERVER];
    const printed = await kubectl(session, 'exec', ...container, '--', ...command);
    const { milliseconds, status, text } = JSON.parse(printed) as {
      milliseconds: number;
      status: number;
      text: string;
    };
    if (status === 200 && isRight(JSON.parse(text))) return milliseconds;
    throw new Failure(`On Knative, ${called} answered ${status}, or not rightly.`, text);
  } finally {
    await removeBareServer(session);
  }
}

/** The name of the Knative service that a release makes. */
async function serviceOf(session: ClusterSession, release: Release): Promise<string> {
  const objects = (await render(session, release)) as KnativeService[];
  const service = objects.find(({ apiVersion }) => apiVersion.startsWith('serving.knative.dev/'));
  if (!service) throw new Failure(`The chart ${release.path} makes no Knative service with \`knative\`.`);
  return service.metadata.name;
}
