// Runs the load generator in the cluster: installs a Job, waits for its end, and reads its log.

import { randomUUID } from 'node:crypto';
import { sum } from 'simple-statistics';
import { describeEnding } from '../../lib/exit-reason.ts';
import { Failure } from '../../lib/failure.ts';
import { byName, type List, type Pod } from '../../lib/kubernetes/objects.ts';
import { PATIENCE_SECONDS } from '../../lib/kubernetes/pods.ts';
import type { Interface } from '../../results/files.ts';
import type { Load } from '../place.ts';
import { unpack } from '../run/archive.ts';
import type { Files } from '../run/files.ts';
import { replayPort, type Recordings } from '../servers/bare-server.ts';
import { parseChecks, type Check } from '../servers/check.ts';
import { headerVariables, interfaceOf, serverOf } from '../servers/comparison.ts';
import { recordFor } from '../servers/record.ts';
import { deployBareServer, removeBareServer } from './bare-server.ts';
import { installRelease } from './helm.ts';
import { BARE_SERVER, LOAD_GENERATOR, portsOf, selectorOf, waitForPods, type ClusterSession } from './session.ts';
import { SECRET } from './workload.ts';

/** The exit codes with which a load leaves results: 0 means VALID, 3 means INVALID. */
const LOADED = [0, 3];
/** The exit codes of a check: 0 means that all answers are right, 1 that one is not. */
const CHECKED = [0, 1];
/** How long all cases may take to be asked once. */
const CHECK_SECONDS = 300;

interface Job {
  metadata: { name: string; deletionTimestamp?: string };
  status: { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
}

/** @throws Failure if the load left no results, with what the cluster reports about its pod */
export async function runLoad(session: ClusterSession, load: Load, recordings: Recordings): Promise<Files> {
  const { target, toBareServer } = load;
  // The bare server stays for several loads that go to it, and does not disturb the others.
  await (toBareServer ? deployBareServer(session, recordings) : removeBareServer(session));
  const values = {
    host: toBareServer ? `http://${BARE_SERVER}:${replayPort(recordings, target)}` : hostOf(session, target),
    seed: load.seed,
    steps: load.steps,
    settleSeconds: load.settleSeconds,
    'workers.count': session.settings.workers,
    // The bare server has only the answer to the first case.
    ...(toBareServer && { onlyCase: 0 }),
  };
  // A step goes on until it is steady, to three times its length at most.
  const seconds = 3 * sum(load.steps.map((step) => step.seconds)) + PATIENCE_SECONDS;
  const log = await runJob(session, target, { values, seconds, exitCodes: LOADED, recordings });
  return (await unpack(log)).files;
}

/** Asks a target once, instead of a load: its first case, or all of them. */
export async function runCheck(
  session: ClusterSession,
  target: Interface,
  { all, recordings }: { all: boolean; recordings: Recordings },
): Promise<Check[]> {
  const { comparison } = session.settings;
  const { startSeconds } = serverOf(comparison, interfaceOf(comparison, target).server);
  const values = {
    host: hostOf(session, target),
    check: true,
    wait: startSeconds,
    ...(!all && { onlyCase: 0 }),
  };
  const seconds = startSeconds + CHECK_SECONDS + PATIENCE_SECONDS;
  return parseChecks(await runJob(session, target, { values, seconds, exitCodes: CHECKED, recordings }));
}

interface JobOptions {
  values: Readonly<Record<string, unknown>>;
  /** How long it may take. */
  seconds: number;
  /** Those with which its log is complete. */
  exitCodes: readonly number[];
  recordings: Recordings;
}

/** @returns the log of the load generator, when it has ended */
async function runJob(
  session: ClusterSession,
  target: Interface,
  { values, seconds, exitCodes, recordings }: JobOptions,
): Promise<string> {
  const { api, core, settings } = session;
  const secret = headerVariables(settings.comparison).length > 0 ? { secretEnv: SECRET } : {};
  // Equal values would make the Job that has run already.
  const all = { run: randomUUID(), target, ...values, ...secret };
  await installRelease(session, LOAD_GENERATOR, all, { record: recordFor(settings.comparison, target, recordings) });
  const job = await currentJob(session);
  const selector = `batch.kubernetes.io/job-name=${job}`;
  const what = `The load generator ${job} has ended`;
  const pod = await waitForPods(session, { what, selector, maker: job, seconds, isQuiet: true }, (pods) =>
    ended(session, job, pods, exitCodes),
  );
  return api.text(`${core}/pods/${pod.metadata.name}/log?container=${LOAD_GENERATOR.name}`);
}

function hostOf(session: ClusterSession, target: Interface): string {
  const { url, server } = interfaceOf(session.settings.comparison, target);
  return url ?? `http://${session.workload(server).service}:${portsOf(session, target).service}`;
}

/** Returns the name of the Job that the last installation made; the one before may not be gone yet. */
async function currentJob({ api, name }: ClusterSession): Promise<string> {
  const select = encodeURIComponent(`${selectorOf(LOAD_GENERATOR.name)},app.kubernetes.io/component=generator`);
  const { items } = await api.get<List<Job>>(`/apis/batch/v1/namespaces/${name}/jobs?labelSelector=${select}`);
  const [job] = items.filter(({ metadata }) => !metadata.deletionTimestamp);
  if (!job) throw new Failure('The chart of the load test made no Job.');
  return job.metadata.name;
}

/**
 * Returns the pod of a Job after it has ended with results, and undefined before that.
 * @throws Failure if it can no longer end with results
 */
async function ended(
  session: ClusterSession,
  job: string,
  [pod]: readonly Pod[],
  exitCodes: readonly number[],
): Promise<Pod | undefined> {
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
  const terminated = byName(pod.status.containerStatuses, LOAD_GENERATOR.name)?.state.terminated;
  if (!terminated) return undefined;
  if (!exitCodes.includes(terminated.exitCode)) {
    const remedy =
      terminated.reason === 'OOMKilled' ? ' `--set loadtest.resources.limits.memory=1Gi` gives it more.' : '';
    throw new Failure(`The load generator ${describeEnding(terminated)}${remedy}`);
  }
  return pod;
}
