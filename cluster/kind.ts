// Creates a kind cluster, unless it is there already, and adds what a comparison needs.

import { join } from 'node:path';
import { CompareError } from '../loadtest/compare/place.ts';
import type { Progress } from '../loadtest/compare/progress.ts';
import { openShell, type Shell } from '../loadtest/compare/shell.ts';
import { checkSource, provideImages } from './images.ts';
import { kubectl, waitForMetrics, type Cluster } from './kubectl.ts';
import type { Options } from './options.ts';
import { findMissing, throwIfMissing } from './requirements.ts';

const NAME = 'f2c';

/** @returns what to do next */
export async function useKind({ build }: Options, shell: Shell, progress: Progress): Promise<string> {
  progress.begin('checking that everything is here');
  throwIfMissing(await findMissing(shell, ['docker', 'kind', 'kubectl', 'helm']));
  await checkSource(shell, build);

  // kind's own name for it in kubectl's configuration.
  const cluster: Cluster = { context: `kind-${NAME}`, shell };
  await start(cluster, progress);
  progress.begin('installing metrics-server');
  await kubectl(cluster, 'apply', '--kustomize', join(import.meta.dirname, 'metrics-server'));
  await provideImages(cluster, { program: 'kind', cluster: NAME }, build, progress);
  progress.begin('waiting for the metrics API (up to a minute after its installation)');
  await waitForMetrics(cluster);
  progress.say('The metrics API answers.');
  return `  npm run compare -- --quick\n  kind delete cluster --name ${NAME}    (when you no longer need it)`;
}

async function start(cluster: Cluster, progress: Progress): Promise<void> {
  const { context, shell } = cluster;
  const named = ['--name', NAME];
  if ((await shell.run('kind', ['get', 'clusters'])).split('\n').includes(NAME)) {
    await shell.run('kind', ['export', 'kubeconfig', ...named]);
    progress.say(`The kind cluster ${NAME} is used again. kubectl's current context is ${context}.`);
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
    progress.say(`The kind cluster ${NAME} is created. kubectl's current context is ${context}.`);
  }
  progress.begin('waiting for the node');
  try {
    await kubectl(cluster, 'wait', 'nodes', '--all', '--for=condition=Ready', '--timeout=3m');
  } catch (error) {
    if (!(error instanceof CompareError)) throw error;
    const remedy = `\`kind delete cluster --name ${NAME}\` removes the cluster, and the next run creates it anew.`;
    throw new CompareError(`The node is not ready. If it stays so, ${remedy}`, error.details);
  }
}
