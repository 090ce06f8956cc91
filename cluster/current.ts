// Uses a cluster that exists: installs nothing there, but provides the images, and checks it.

import { Failure } from '../lib/failure.ts';
import { openKubernetes, type Kubernetes } from '../lib/kubernetes/api.ts';
import { connect, type Connection } from '../lib/kubernetes/connection.ts';
import type { Node } from '../lib/kubernetes/objects.ts';
import type { Progress } from '../lib/progress.ts';
import { VERSION } from '../lib/project.ts';
import type { Shell } from '../lib/shell.ts';
import { awayFromOthers, checkCharts } from './charts.ts';
import { providerOf, readNodes, waitForMetrics, type Provider } from './checks.ts';
import { buildImages, checkSource, IMAGES, list, missingImages, provideImages, pushImages } from './images.ts';
import type { Options } from './options.ts';
import { findMissing, throwIfMissing, type Missing, type Program } from './requirements.ts';

/** @returns what to do next */
export async function useCurrent(options: Options, shell: Shell, progress: Progress): Promise<string> {
  const { push, ...choice } = options;
  progress.begin('checking that everything is here');
  const missing = await findMissing(shell, push ? ['kubectl', 'helm', 'docker'] : ['kubectl', 'helm']);
  // Only kubectl can tell which other programs the cluster needs.
  if (missing.has('kubectl')) throwIfMissing(missing);
  const connection = await connect(shell, choice, progress.say);
  const api = await openKubernetes(connection, shell, progress.say);
  try {
    return await prepare({ connection, api, shell: connection.shell(shell), progress, missing }, options);
  } finally {
    api.close();
  }
}

interface Cluster {
  connection: Connection;
  api: Kubernetes;
  /** Its kubectl and Helm work with the connection's cluster. */
  shell: Shell;
  progress: Progress;
  /** The programs that are known to be missing. */
  missing: Missing;
}

async function prepare(cluster: Cluster, { build, push }: Options): Promise<string> {
  const { connection, api, shell, progress, missing } = cluster;
  const nodes = await readNodes(api);
  const provider = providerOf(nodes);
  const programs: Program[] = provider && !push ? ['docker', provider.program] : [];
  throwIfMissing(new Map([...missing, ...(await findMissing(shell, programs))]));
  progress.say(`The cluster is ${connection.name}${provider ? `, run by ${provider.program}` : ''}.`);
  await checkCharts(api, shell, nodes);
  const away = awayFromOthers(nodes);
  if (away.sentence !== undefined) progress.say(away.sentence, 'warning');
  if (push || provider) await checkSource(shell, build);
  const next = (options: string[]) =>
    [`  ${connection.command('npm run compare --', '--quick')}`, ...options, ...away.options].join(' \\\n    ');
  progress.begin('asking the metrics API');
  await waitForMetrics(api, shell, howToInstallMetrics(connection, provider));
  progress.say('The metrics API answers.');

  if (push) {
    if (build) await buildImages(shell, progress);
    progress.begin(`pushing the images to ${push} (minutes, depending on your connection)`);
    const options = await pushImages(shell, push);
    progress.say(`${push} has ${list(IMAGES)}.`);
    return next(options);
  }
  if (provider) await provideImages(api, shell, provider, build, progress);
  else {
    progress.begin('looking for the images on the nodes');
    requireOnNodes(nodes);
    progress.say(`All nodes have ${list(IMAGES)} already: nothing was built, and nothing loaded.`);
  }
  return next([]);
}

function howToInstallMetrics(connection: Connection, provider?: Provider): string {
  if (provider?.program === 'kind') {
    return `install it with \`${connection.command('kubectl', 'apply', '--kustomize', 'cluster/metrics-server')}\`.`;
  }
  if (provider) return `install it with \`minikube --profile ${provider.cluster} addons enable metrics-server\`.`;
  return 'install metrics-server as https://github.com/kubernetes-sigs/metrics-server#installation tells.';
}

/** @throws Failure that tells how else the images get to nodes that do not list them */
function requireOnNodes(nodes: Node[]): void {
  const missing = missingImages(nodes);
  if (missing.length === 0) return;
  throw new Failure(
    'Nodes lack images, and neither kind nor minikube runs them, so nothing here can load any.',
    `These nodes do not list these images (a node lists its 50 largest, and new ones within a minute):
  ${missing.join('\n  ')}

One of these helps:
  npm run cluster -- --current --push docker.io/me
      builds the images and pushes them to a registry that your nodes can pull from
  npm run cluster
      creates a kind cluster on this machine
  minikube start --addons metrics-server && npm run cluster -- --current
      does the same with minikube
  for image in function tfserving loadtest; do docker build --file $image/Dockerfile --tag f2c-$image:${VERSION} .; done
  docker save ${IMAGES.join(' ')} | ctr --namespace k8s.io images import -
      builds the images and loads them into the containerd of one node by hand: load them into every node`,
  );
}
