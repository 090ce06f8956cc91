// What runs of a server in the cluster: the objects of its chart, or those that are made here for an image.

import { readFileSync } from 'node:fs';
import { Failure } from '../../lib/failure.ts';
import { byName, type Resources } from '../../lib/kubernetes/objects.ts';
import { CHARTS, RELEASES } from '../../lib/project.ts';
import type { Server } from '../../results/files.ts';
import {
  installedAs,
  interfaceOf,
  interfacesOf,
  serverOf,
  type ServerChart,
  type ServerDefinition,
} from '../servers/comparison.ts';
import { portVariables } from '../servers/ports.ts';
import type { TextOrSecret } from '../servers/schema.ts';
import { render } from './helm.ts';
import type { HorizontalPodAutoscaler, KubernetesObject, Release, Workload } from './objects.ts';
import type { ClusterSession } from './session.ts';

interface Container {
  name: string;
  image: string;
  ports?: { name?: string; containerPort: number }[];
  resources?: Resources;
  imagePullPolicy?: string;
  securityContext?: object;
  [more: string]: unknown;
}
interface PodTemplate {
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: { containers: Container[]; securityContext?: object; [more: string]: unknown };
}
interface RenderedWorkload extends KubernetesObject {
  spec: { selector: { matchLabels: Record<string, string> }; template: PodTemplate };
}
interface RenderedService extends KubernetesObject {
  spec: { ports: { name?: string; port: number; targetPort?: number | string }[] };
}

/** The release of the function's chart, in whose pods other containers run as well. */
export const FUNCTION: Release = {
  key: 'function',
  name: RELEASES.function,
  path: CHARTS.function,
  values: [],
  set: {},
};

export async function workloadOf(session: ClusterSession, server: Server): Promise<Workload> {
  const definition = serverOf(session.settings.comparison, server);
  if (definition.chart) return ofChart(session, server, definition.chart);
  if (definition.image !== undefined) return ofImage(session, server, definition, definition.image);
  throw new Failure(`${definition.name} can't run in a cluster: it has neither a chart nor an image. Give its URL.`);
}

async function ofChart(session: ClusterSession, server: Server, chart: ServerChart): Promise<Workload> {
  const release: Release = { key: server, name: chart.release, path: chart.path, values: chart.values, set: chart.set };
  const objects = (await render(session, release)) as KubernetesObject[];
  const [kind, wanted] = (chart.workload?.split('/') ?? ['deployment']) as [Workload['kind'], string?];
  const { name } = serverOf(session.settings.comparison, server);
  const one = (what: string, wanted: string | undefined, member: string) =>
    only(`The chart of ${name}`, objects, what, wanted, `servers.${server}.${member}`);
  const workload = one(kind === 'deployment' ? 'Deployment' : 'StatefulSet', wanted, 'workload') as RenderedWorkload;
  const service = one('Service', chart.service, 'service') as RenderedService;
  const { containers } = workload.spec.template.spec;
  const container = byName(containers, chart.container ?? workload.metadata.name) ?? containers[0];
  if (!container || (chart.container !== undefined && container.name !== chart.container)) {
    const names = containers.map((each) => each.name).join(', ');
    throw new Failure(`The pods of ${name} have no container ${chart.container ?? ''}: they have ${names}.`);
  }
  const own = objects
    .filter((each): each is HorizontalPodAutoscaler => each.kind === 'HorizontalPodAutoscaler')
    .find(({ spec }) => spec.scaleTargetRef.name === workload.metadata.name);
  const autoscaler = own ?? (await autoscalerLike(session, chart.release));
  return {
    kind,
    name: workload.metadata.name,
    selector: labelSelector(workload.spec.selector.matchLabels),
    container: container.name,
    service: service.metadata.name,
    ports: Object.fromEntries(
      interfacesOf(session.settings.comparison, server).map((target) => {
        const { key, port } = interfaceOf(session.settings.comparison, target);
        return [key, portOf(name, service, container, key, port)];
      }),
    ),
    autoscaler: { ...autoscaler, spec: { ...autoscaler.spec, scaleTargetRef: targetOf(workload) } },
    objects,
    release,
  };
}

/** @throws Failure if there is none of that name, or several to choose from */
function only(
  whose: string,
  objects: readonly KubernetesObject[],
  kind: string,
  wanted: string | undefined,
  member: string,
): KubernetesObject {
  const all = objects.filter((each) => each.kind === kind);
  const found = wanted === undefined ? all : all.filter(({ metadata }) => metadata.name === wanted);
  const [first] = found;
  if (first && found.length === 1) return first;
  const names = all.map(({ metadata }) => metadata.name).join(', ');
  throw new Failure(
    `${whose} has ${wanted === undefined ? `${all.length} of kind ${kind}` : `no ${kind} ${wanted}`}: set \`${member}\` ` +
      `to one of those that it has: ${names || 'none'}.`,
  );
}

/** Finds the port of an interface in a Service: by its name, or by its number, the key of the interface, or the only one. */
function portOf(
  name: string,
  { metadata, spec }: RenderedService,
  { ports = [] }: Container,
  key: string,
  port: number | string | undefined,
): { service: number; container: number } {
  const inContainer = ({ port, targetPort = port }: RenderedService['spec']['ports'][number]) =>
    typeof targetPort === 'number'
      ? targetPort
      : (byName(ports as { name: string; containerPort: number }[], targetPort)?.containerPort ?? 0);
  const named = (wanted: string) => spec.ports.find((each) => each.name === wanted);
  const numbered = spec.ports.find((each) => each.port === port || inContainer(each) === port);
  const only = spec.ports.length === 1 ? spec.ports[0] : undefined;
  const found = typeof port === 'string' ? named(port) : (numbered ?? named(key) ?? only);
  if (found) return { service: found.port, container: inContainer(found) };
  const known = spec.ports.map((each) => each.name ?? each.port).join(', ');
  throw new Failure(`The Service ${metadata.name} of ${name} has no port ${port ?? key}: it has ${known}.`);
}

function targetOf({ apiVersion, kind, metadata: { name } }: KubernetesObject) {
  return { apiVersion, kind, name };
}

function labelSelector(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

/** The autoscaler of the function's chart, for a server that has none of its own. */
async function autoscalerLike(session: ClusterSession, name: string): Promise<HorizontalPodAutoscaler> {
  const objects = (await render(session, FUNCTION, '--set', 'autoscaling.enabled=true')) as KubernetesObject[];
  const found = objects.find((each): each is HorizontalPodAutoscaler => each.kind === 'HorizontalPodAutoscaler');
  if (!found) throw new Failure('The chart of the function has no autoscaler.');
  return { ...found, metadata: { name } };
}

/** Makes a Deployment and a Service for an image, with the rights and the place of the function's pods. */
async function ofImage(
  session: ClusterSession,
  server: Server,
  definition: ServerDefinition,
  image: string,
): Promise<Workload> {
  const { comparison } = session.settings;
  const name = installedAs(server);
  const labels = { 'app.kubernetes.io/name': name };
  const interfaces = interfacesOf(comparison, server).map((target) => interfaceOf(comparison, target));
  const ports = interfaces.map(({ key, port }) => ({ key, port: Number(port) }));
  const [first] = ports;
  const { env, files, args, user, ready, startSeconds, writable } = definition;
  const base = await podLike(session, labels, (container) => ({
    name,
    image,
    imagePullPolicy: 'IfNotPresent',
    resources: comparison.resources ?? container.resources ?? {},
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      ...(user === 0
        ? { runAsUser: 0, runAsNonRoot: false }
        : { runAsNonRoot: true, ...(user && { runAsUser: user }) }),
    },
    ...(args.length > 0 && { args }),
    ports: ports.map(({ port }) => ({ containerPort: port })),
    env: [
      ...Object.entries(portVariables(ports)).map(([name, value]) => ({ name, value })),
      ...Object.entries(env).map(([name, value]) => variable(name, value)),
    ],
    // A server that is busy must stay in its Service, or the load would break off. So it is asked only while it starts.
    startupProbe: {
      ...(ready === undefined ? { tcpSocket: { port: first?.port } } : { httpGet: { path: ready, port: first?.port } }),
      periodSeconds: 1,
      failureThreshold: startSeconds,
    },
    volumeMounts: [
      ...['/tmp', ...writable].map((path, index) => ({ name: `writable-${index}`, mountPath: path })),
      ...Object.keys(files).map((path, index) => ({ name: 'files', mountPath: path, subPath: `file-${index}` })),
    ],
  }));
  const template = {
    ...base,
    spec: {
      ...base.spec,
      // Its own user may be root.
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      volumes: [
        ...['/tmp', ...writable].map((_, index) => ({ name: `writable-${index}`, emptyDir: {} })),
        ...(Object.keys(files).length > 0 ? [{ name: 'files', configMap: { name } }] : []),
      ],
    },
  };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: { replicas: 1, selector: { matchLabels: { 'app.kubernetes.io/name': name } }, template },
  };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: { selector: { 'app.kubernetes.io/name': name }, ports: ports.map(({ key, port }) => ({ name: key, port })) },
  };
  const contents = Object.values(files).map((path, index) => [`file-${index}`, readFileSync(path, 'base64')]);
  const configMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels },
    binaryData: Object.fromEntries(contents) as Record<string, string>,
  };
  const autoscaler = await autoscalerLike(session, name);
  return {
    kind: 'deployment',
    name,
    selector: `app.kubernetes.io/name=${name}`,
    container: name,
    service: name,
    ports: Object.fromEntries(ports.map(({ key, port }) => [key, { service: port, container: port }])),
    autoscaler: { ...autoscaler, spec: { ...autoscaler.spec, scaleTargetRef: targetOf(deployment) } },
    objects: [deployment, service, ...(contents.length > 0 ? [configMap] : [])] as KubernetesObject[],
    release: undefined,
  };
}

/** The name of the Secret with the values that come from the environment. */
export const SECRET = 'f2c-compare-environment';

function variable(name: string, value: TextOrSecret): object {
  if (typeof value === 'string') return { name, value };
  return { name, valueFrom: { secretKeyRef: { name: SECRET, key: value.fromEnv } } };
}

/** What of the function's pods says where, and with which rights, a pod may run. */
const SHARED = [
  ...['nodeSelector', 'tolerations', 'affinity', 'imagePullSecrets', 'priorityClassName', 'runtimeClassName'],
  ...['securityContext', 'automountServiceAccountToken', 'enableServiceLinks'],
];

/** Labels that the chart itself sets, and Helm. */
const OF_FUNCTION = /^(?:app\.kubernetes\.io|helm\.sh)\//;

/**
 * Makes a pod like those of the function's chart, so that it may run wherever they may: with what the user set for them,
 * but without the labels that say what the function is, by which its Service would select the pod.
 */
export async function podLike(
  session: ClusterSession,
  labels: Record<string, string>,
  containerLike: (container: Container) => Container,
): Promise<PodTemplate> {
  const objects = (await render(session, FUNCTION)) as RenderedWorkload[];
  const { template } = objects.find((each) => each.kind === 'Deployment')?.spec ?? {};
  const container = byName(template?.spec.containers, FUNCTION.name);
  if (!template || !container) throw new Failure('The chart of the function has no Deployment.');
  const others = Object.entries(template.metadata.labels ?? {}).filter(([name]) => !OF_FUNCTION.test(name));
  const shared = Object.fromEntries(Object.entries(template.spec).filter(([name]) => SHARED.includes(name)));
  return {
    metadata: { ...template.metadata, labels: { ...Object.fromEntries(others), ...labels } },
    spec: { ...shared, containers: [containerLike(container)] },
  };
}
