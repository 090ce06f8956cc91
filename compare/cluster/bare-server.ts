// Runs the bare server in the cluster, in the function's image.

import { readFileSync } from 'node:fs';
import { BARE_SERVER_CODE, replaysOf, type Recordings } from '../servers/bare-server.ts';
import { waitForWorkload } from './scaling.ts';
import { apply, BARE_SERVER, kubectl, type ClusterSession } from './session.ts';
import { podLike } from './workload.ts';

const SELECTOR = `app.kubernetes.io/name=${BARE_SERVER}`;
const START_SECONDS = 60;

/** Starts the bare server unless it runs already, and waits until it answers. */
export async function deployBareServer(session: ClusterSession, recordings: Recordings): Promise<void> {
  const labels = { 'app.kubernetes.io/name': BARE_SERVER };
  const replays = replaysOf(recordings);
  const ports = replays.map(({ port }) => port);
  const template = await podLike(session, labels, ({ image, imagePullPolicy, securityContext = {}, resources }) => ({
    name: BARE_SERVER,
    image,
    ...(imagePullPolicy !== undefined && { imagePullPolicy }),
    securityContext,
    // It must not be the bottleneck, and its one thread can't use more than a core.
    resources: { ...resources, limits: { ...resources?.limits, cpu: '1' } },
    command: ['/nodejs/bin/node', '--eval', readFileSync(BARE_SERVER_CODE, 'utf8')],
    env: [{ name: 'REPLAYS', value: JSON.stringify(replays) }],
    readinessProbe: { tcpSocket: { port: ports[0] }, periodSeconds: 1 },
  }));
  await apply(session, [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: BARE_SERVER, labels },
      spec: { selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: BARE_SERVER, labels },
      spec: { selector: labels, ports: ports.map((port) => ({ name: `port-${port}`, port })) },
    },
  ]);
  await waitForWorkload(
    session,
    { kind: 'deployment', name: BARE_SERVER, selector: SELECTOR },
    { what: 'The bare server is ready', count: 1, seconds: START_SECONDS },
  );
}

/** Stops the bare server if it runs, and waits until its pod is gone. */
export async function removeBareServer(session: ClusterSession): Promise<void> {
  const options = ['--ignore-not-found', '--cascade', 'foreground'];
  await kubectl(session, 'delete', 'deployment,service', BARE_SERVER, ...options);
}
