// Runs the bare server of `calibrate` in the cluster, in the function's image.

import { readFileSync } from 'node:fs';
import { Failure } from '../../lib/failure.ts';
import { byName, type Resources } from '../../lib/kubernetes/objects.ts';
import { RELEASES } from '../../lib/project.ts';
import { BARE_SERVER_CODE, BARE_SERVER_PORTS } from '../servers/index.ts';
import { render, waitForDeployment } from './releases.ts';
import { BARE_SERVER, kubectl, type ClusterSession } from './session.ts';

interface Container {
  name: string;
  image: string;
  imagePullPolicy?: string;
  securityContext?: object;
  resources?: Resources;
}
interface PodTemplate {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  spec: { containers: Container[] };
}
interface RenderedDeployment {
  kind: string;
  spec: { selector: { matchLabels: Record<string, string> }; template: PodTemplate };
}

/** Starts the bare server unless it runs already, and waits until it answers. */
export async function deployBareServer(session: ClusterSession): Promise<void> {
  const labels = { 'app.kubernetes.io/name': BARE_SERVER };
  const template = await podTemplate(session, labels);
  const objects = [
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
      spec: { selector: labels, ports: Object.entries(BARE_SERVER_PORTS).map(([name, port]) => ({ name, port })) },
    },
  ];
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await session.shell.run('kubectl', ['--namespace', session.name, 'apply', '--filename', '-'], { input: list });
  const selector = `app.kubernetes.io/name=${BARE_SERVER}`;
  await waitForDeployment(session, BARE_SERVER, { what: 'The bare server is ready', selector, count: 1 });
}

/** Stops the bare server if it runs, and waits until its pod is gone. */
export async function removeBareServer(session: ClusterSession): Promise<void> {
  const options = ['--ignore-not-found', '--cascade', 'foreground'];
  await kubectl(session, 'delete', 'deployment,service', BARE_SERVER, ...options);
}

/**
 * Makes a pod like those of the function's chart, so that it may run wherever they may: with what the user set for them,
 * but without the labels by which the function's Service would select it.
 */
async function podTemplate(session: ClusterSession, labels: Record<string, string>): Promise<PodTemplate> {
  const objects = (await render(session, 'function')) as (RenderedDeployment | null)[];
  const deployment = objects.find((each) => each?.kind === 'Deployment');
  const { selector, template } = deployment?.spec ?? {};
  const container = byName(template?.spec.containers, RELEASES.function);
  if (!selector || !template || !container) throw new Failure('The chart of the function has no Deployment.');
  const { image, imagePullPolicy, securityContext, resources } = container;
  const others = Object.entries(template.metadata.labels).filter(([name]) => !(name in selector.matchLabels));
  return {
    metadata: { ...template.metadata, labels: { ...Object.fromEntries(others), ...labels } },
    spec: {
      ...template.spec,
      containers: [
        {
          name: BARE_SERVER,
          image,
          imagePullPolicy,
          securityContext,
          // It must not be the bottleneck, and its one thread can't use more than a core.
          resources: { ...resources, limits: { ...resources?.limits, cpu: '1' } },
          command: ['/nodejs/bin/node', '--eval', readFileSync(BARE_SERVER_CODE, 'utf8')],
          env: [
            { name: 'PORT', value: String(BARE_SERVER_PORTS.http) },
            { name: 'GRPC_PORT', value: String(BARE_SERVER_PORTS.grpc) },
          ],
          readinessProbe: { httpGet: { path: '/', port: BARE_SERVER_PORTS.http }, periodSeconds: 1 },
        } as Container,
      ],
    },
  };
}
