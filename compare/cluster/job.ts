// Runs one load in the cluster: installs a Job of the load generator, waits for its end, and collects its results.

import { randomUUID } from 'node:crypto';
import { sum } from 'simple-statistics';
import { describeEnding } from '../../lib/exit-reason.ts';
import { Failure } from '../../lib/failure.ts';
import { byName, type List, type Pod } from '../../lib/kubernetes/objects.ts';
import { PATIENCE_SECONDS } from '../../lib/kubernetes/pods.ts';
import { RELEASES } from '../../lib/project.ts';
import type { Load } from '../place.ts';
import { unpack } from '../run/archive.ts';
import type { Files } from '../run/files.ts';
import { BARE_SERVER_PORTS, INTERFACES } from '../servers/index.ts';
import { deployBareServer, removeBareServer } from './bare-server.ts';
import { installChart } from './releases.ts';
import { BARE_SERVER, selectorOf, servicePort, waitForPods, type ClusterSession } from './session.ts';

/** The exit codes with which the load generator leaves results: 0 means VALID, 3 means INVALID. */
const EXIT_CODES_WITH_RESULTS = [0, 3];

interface Job {
  metadata: { name: string; deletionTimestamp?: string };
  status: { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
}

/** @throws Failure if the load left no results, with what the cluster reports about its pod */
export async function runLoad(session: ClusterSession, load: Load): Promise<Files> {
  const { api, core, settings } = session;
  // The bare server stays for several loads that go to it, and does not disturb the others.
  await (load.toBareServer ? deployBareServer : removeBareServer)(session);
  await installChart(session, 'loadtest', {
    // Equal values would make the Job that has run already.
    run: randomUUID(),
    target: load.target,
    host: await hostOf(session, load),
    seed: load.seed,
    steps: load.steps,
    settleSeconds: load.settleSeconds,
    'workers.count': settings.workers,
    // The bare server has only one answer.
    temperatures: load.toBareServer ? { min: 98.6, max: 98.6 } : { min: -100, max: 300 },
  });
  const job = await currentJob(session);
  // A step goes on until it is steady, to three times its length at most.
  const seconds = 3 * sum(load.steps.map((step) => step.seconds)) + PATIENCE_SECONDS;
  const selector = `batch.kubernetes.io/job-name=${job}`;
  const what = `The load generator ${job} has ended`;
  const pod = await waitForPods(session, { what, selector, maker: job, seconds }, (pods) => ended(session, job, pods));
  const log = await api.text(`${core}/pods/${pod.metadata.name}/log?container=${RELEASES.loadtest}`);
  return (await unpack(log)).files;
}

async function hostOf(session: ClusterSession, { target, toBareServer }: Load): Promise<string> {
  if (toBareServer) return `http://${BARE_SERVER}:${BARE_SERVER_PORTS[INTERFACES[target].protocol]}`;
  const url = session.settings.urls[target];
  return url ?? `http://${RELEASES[INTERFACES[target].server]}:${await servicePort(session, target)}`;
}

/** Returns the name of the Job that the last installation made; the one before may not be gone yet. */
async function currentJob({ api, name }: ClusterSession): Promise<string> {
  const select = encodeURIComponent(`${selectorOf(RELEASES.loadtest)},app.kubernetes.io/component=generator`);
  const { items } = await api.get<List<Job>>(`/apis/batch/v1/namespaces/${name}/jobs?labelSelector=${select}`);
  const [job] = items.filter(({ metadata }) => !metadata.deletionTimestamp);
  if (!job) throw new Failure('The chart of the load test made no Job.');
  return job.metadata.name;
}

/**
 * Returns the pod of a Job after it has ended with results, and undefined before that.
 * @throws Failure if it can no longer end with results
 */
async function ended(session: ClusterSession, job: string, [pod]: readonly Pod[]): Promise<Pod | undefined> {
  if (!pod) {
    const { status } = await session.api.get<Job>(`/apis/batch/v1/namespaces/${session.name}/jobs/${job}`);
    const failed = status.conditions?.find((condition) => condition.type === 'Failed' && condition.status === 'True');
    if (failed) throw new Failure(`The load generator's pod is gone: ${failed.reason ?? ''}. ${failed.message ?? ''}`);
    return undefined;
  }
  if (pod.metadata.deletionTimestamp) {
    throw new Failure('The load generator was ended from outside: its pod was evicted or deleted.');
  }
  const { phase, reason, message } = pod.status;
  if (phase === 'Failed' && reason) throw new Failure(`The load generator was ended: ${reason}. ${message ?? ''}`);
  const terminated = byName(pod.status.containerStatuses, RELEASES.loadtest)?.state.terminated;
  if (!terminated) return undefined;
  if (!EXIT_CODES_WITH_RESULTS.includes(terminated.exitCode)) {
    const remedy =
      terminated.reason === 'OOMKilled' ? ' `--set loadtest.resources.limits.memory=1Gi` gives it more.' : '';
    throw new Failure(`The load generator ${describeEnding(terminated)}${remedy}`);
  }
  return pod;
}
