// Runs the bare server of `calibrate` in the cluster, in the function's image.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { kubectl, type Namespace } from './namespace.ts';
import { render } from './releases.ts';

/** The name of its Deployment, and of its Service on port 80. */
export const STATIC_SERVER = 'f2c-static';
export const STATIC_SERVER_CODE = join(import.meta.dirname, 'static-server.cjs');

interface Deployment {
  kind: string;
  spec: {
    template: {
      spec: {
        imagePullSecrets?: object[];
        securityContext?: object;
        containers: { image: string; imagePullPolicy?: string; securityContext?: object }[];
      };
    };
  };
}

/** Starts the static server, and waits until it answers. */
export async function startStaticServer(namespace: Namespace): Promise<void> {
  const labels = { 'app.kubernetes.io/name': STATIC_SERVER };
  const objects = [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: STATIC_SERVER, labels },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: await podSpec(namespace) } },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: STATIC_SERVER, labels },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    },
  ];
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await namespace.shell.run('kubectl', ['--namespace', namespace.name, 'apply', '--filename', '-'], list);
  await kubectl(namespace, 'rollout', 'status', `deployment/${STATIC_SERVER}`, '--timeout', '2m');
}

export async function stopStaticServer(namespace: Namespace): Promise<void> {
  await kubectl(namespace, 'delete', 'deployment,service', STATIC_SERVER);
}

/** Makes a pod with the image and the security context of the function's chart. */
async function podSpec(namespace: Namespace): Promise<object> {
  const documents = parseAllDocuments(await render(namespace, 'function')).map(
    (each) => each.toJS() as Deployment | null,
  );
  const { imagePullSecrets, securityContext, containers } =
    documents.find((each) => each?.kind === 'Deployment')?.spec.template.spec ?? {};
  const { image, imagePullPolicy, securityContext: rights } = containers?.[0] ?? {};
  return {
    imagePullSecrets,
    securityContext,
    enableServiceLinks: false,
    automountServiceAccountToken: false,
    containers: [
      {
        name: 'static',
        image,
        imagePullPolicy,
        securityContext: rights,
        command: ['/nodejs/bin/node', '--eval', readFileSync(STATIC_SERVER_CODE, 'utf8')],
        env: [{ name: 'PORT', value: '8080' }],
        readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
      },
    ],
  };
}
