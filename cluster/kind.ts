// Creates a kind cluster, unless it is there already, and adds what a comparison needs.

import { join } from 'node:path';
import { Failure } from '../lib/failure.ts';
import { openKubernetes } from '../lib/kubernetes/api.ts';
import { connect, refuseOtherClusters } from '../lib/kubernetes/connection.ts';
import type { Progress } from '../lib/progress.ts';
import { openShell, type Shell } from '../lib/shell.ts';
import { waitForMetrics } from './checks.ts';
import { checkSource, provideImages } from './images.ts';
import type { Options } from './options.ts';
import { findMissing, throwIfMissing } from './requirements.ts';

const NAME = 'f2c';
/** kind's own name for it in kubectl's configuration. */
const CONTEXT = `kind-${NAME}`;

/** @returns what to do next */
export async function useKind({ build }: Options, shell: Shell, progress: Progress): Promise<string> {
  progress.begin('checking that everything is here');
  throwIfMissing(await findMissing(shell, ['docker', 'kind', 'kubectl', 'helm']));
  const provider = process.env.KIND_EXPERIMENTAL_PROVIDER ?? 'docker';
  if (provider !== 'docker') {
    throw new Failure(
      `KIND_EXPERIMENTAL_PROVIDER is ${provider}, which is not supported: Docker builds the images. Unset it.`,
    );
  }
  await checkSource(shell, build);
  refuseOtherClusters(CONTEXT);

  await start(shell, progress);
  const connection = await connect(shell, { context: CONTEXT }, progress.say);
  const clusterShell = connection.shell(shell);
  await waitForNode(clusterShell, progress);
  progress.begin('installing metrics-server');
  await clusterShell.run('kubectl', ['apply', '--kustomize', join(import.meta.dirname, 'metrics-server')]);
  const api = await openKubernetes(connection, shell, progress.say);
  try {
    await provideImages(api, clusterShell, { program: 'kind', cluster: NAME }, build, progress);
    progress.begin('waiting for the metrics API (up to a minute after its installation)');
    await waitForMetrics(api, shell);
  } finally {
    api.close();
  }
  progress.say('The metrics API answers.');
  return `  ${connection.command('npm run compare --', '--quick')}\n  kind delete cluster --name ${NAME}    (when you no longer need it)`;
}

/** Starts the cluster, unless it is there already. */
async function start(shell: Shell, progress: Progress): Promise<void> {
  const named = ['--name', NAME];
  if ((await shell.run('kind', ['get', 'clusters'])).split('\n').includes(NAME)) {
    await shell.run('kind', ['export', 'kubeconfig', ...named]);
    progress.say(`The kind cluster ${NAME} is used again. kubectl's current context is ${CONTEXT}.`);
  } else {
    progress.begin(`creating the kind cluster ${NAME} (one to three minutes)`);
    try {
      await shell.run('kind', ['create', 'cluster', ...named, '--config', join(import.meta.dirname, 'kind.yaml')]);
    } catch (error) {
      // When it fails, kind removes what it has begun; when it is interrupted, it does not.
      if (shell.signal.aborted)
        await openShell(new AbortController().signal).run('kind', ['delete', 'cluster', ...named]);
      throw error;
    }
    progress.say(`The kind cluster ${NAME} is created. kubectl's current context is ${CONTEXT}.`);
  }
}

async function waitForNode(shell: Shell, progress: Progress): Promise<void> {
  progress.begin('waiting for the node');
  try {
    await shell.run('kubectl', ['wait', 'nodes', '--all', '--for=condition=Ready', '--timeout=3m']);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const remedy = `\`kind delete cluster --name ${NAME}\` removes the cluster, and the next run creates it anew.`;
    throw new Failure(`The node is not ready. If it stays so, ${remedy}`, error.details);
  }
}
