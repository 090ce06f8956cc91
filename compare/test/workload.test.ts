// What is installed for a server of a file: objects for an image, and what is found in a chart.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Kubernetes } from '../../lib/kubernetes/api.ts';
import type { Connection } from '../../lib/kubernetes/connection.ts';
import { openShell } from '../../lib/shell.ts';
import { describeWithHelm } from '../../test/needs.ts';
import type { Workload } from '../cluster/objects.ts';
import { openSession } from '../cluster/session.ts';
import { workloadOf } from '../cluster/workload.ts';
import { readOptions } from '../options.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'f2c-workload-'));
  writeFileSync(join(folder, 'cases.csv'), 'a\n1\n');
  writeFileSync(join(folder, 'price.yaml'), 'a: 1\n');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What runs of the server `it`, whose members are given. */
function workload(members: string, ...args: string[]): Promise<Workload> {
  const file = join(folder, 'servers.yaml');
  writeFileSync(
    file,
    `title: It
cases: { file: cases.csv, columns: { a: number } }
resources: { requests: { cpu: 200m }, limits: { cpu: '1', memory: 1Gi } }
servers:
  it:
    ${members.trim().replaceAll('\n', '\n    ')}
`,
  );
  const settings = readOptions(['--servers', file, ...args]);
  const shell = openShell(new AbortController().signal);
  const given = { connection: {} as Connection, api: {} as Kubernetes, shell, settings, upgradeOptions: [] };
  return workloadOf(openSession({ ...given, say: () => undefined }, new Map()), 'it');
}

const ASKED = '{ ask: { method: GET, path: / }, answer: { is: a } }';
const kindOf = ({ objects }: Workload, kind: string) => objects.find((each) => each.kind === kind)!;
const podOf = (its: Workload) =>
  (kindOf(its, 'Deployment').spec as { template: { spec: Record<string, unknown> & { containers: object[] } } })
    .template.spec;

describeWithHelm('an image', () => {
  const IMAGE = `image: me/it:1
port: 8000
args: [--port, $(PORT)]
env: { WORKERS: '1', KEY: { fromEnv: PATH } }
files: { /etc/price.yaml: price.yaml }
writable: [/var/cache]
ready: /healthz
startWithin: 2m
interfaces: { http: ${ASKED}, grpc: { port: 9000, grpc: a.B/C, ask: {}, answer: { is: a } } }`;

  test('gets a Deployment, a Service and the autoscaler of the function’s chart', async () => {
    const its = await workload(IMAGE);
    expect(its).toMatchObject({ kind: 'deployment', name: 'server-it', service: 'server-it', container: 'server-it' });
    expect(its.ports).toEqual({ http: { service: 8000, container: 8000 }, grpc: { service: 9000, container: 9000 } });
    expect(its.autoscaler.spec).toMatchObject({
      minReplicas: 1,
      maxReplicas: 5,
      scaleTargetRef: { name: 'server-it' },
    });
    const [container] = podOf(its).containers;
    expect(container).toMatchObject({
      image: 'me/it:1',
      args: ['--port', '$(PORT)'],
      resources: { requests: { cpu: '200m' }, limits: { cpu: '1', memory: '1Gi' } },
      startupProbe: { httpGet: { path: '/healthz', port: 8000 }, failureThreshold: 120 },
      securityContext: { runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
    });
    expect((container as { env: object[] }).env).toEqual([
      { name: 'PORT', value: '8000' },
      { name: 'GRPC_PORT', value: '9000' },
      { name: 'WORKERS', value: '1' },
      { name: 'KEY', valueFrom: { secretKeyRef: { name: 'f2c-compare-environment', key: 'PATH' } } },
    ]);
    const { volumeMounts } = container as { volumeMounts: { mountPath: string }[] };
    expect(volumeMounts.map(({ mountPath }) => mountPath)).toEqual(['/tmp', '/var/cache', '/etc/price.yaml']);
  });

  test('runs where the pods of the function may', async () => {
    const its = await workload(IMAGE, '--set', 'function.nodeSelector.disk=ssd');
    expect(podOf(its)).toMatchObject({ nodeSelector: { disk: 'ssd' } });
    expect(JSON.stringify(kindOf(its, 'Deployment'))).not.toContain('f2c-function');
  });

  test('may run as root', async () => {
    const [container] = podOf(await workload(`${IMAGE}\nuser: 0`)).containers;
    expect(container).toMatchObject({ securityContext: { runAsUser: 0, runAsNonRoot: false } });
  });
});

describeWithHelm('a chart', () => {
  const CHART = `chart: ${resolve('examples/chart-and-url/chart')}`;

  test('is scaled by its own autoscaler, and asked at a port of its Service', async () => {
    const its = await workload(`${CHART}\nrelease: numerals\ninterfaces: { http: ${ASKED} }`);
    expect(its).toMatchObject({ name: 'numerals-api', service: 'numerals', container: 'api' });
    expect(its.selector).toContain('app.kubernetes.io/instance=numerals');
    expect(its.ports.http?.container).toBe(8080);
    const own = its.objects.find(({ kind }) => kind === 'HorizontalPodAutoscaler')!;
    expect(its.autoscaler.metadata.name).toBe(own.metadata.name);
  });

  test.each([
    ['workload: deployment/price', 'has no Deployment price: set `servers.it.workload` to one of those that it has: '],
    [
      'workload: statefulset/price',
      'has no StatefulSet price: set `servers.it.workload` to one of those that it has: none.',
    ],
    ['service: price', 'has no Service price: set `servers.it.service` to one of those that it has: server-it.'],
    ['container: price', 'The pods of it have no container price: they have api.'],
  ])('with a wrong %s is told what it has', async (member, sentence) => {
    const its = workload(`${CHART}\n${member}\ninterfaces: { http: ${ASKED} }`);
    await expect(its).rejects.toThrow(sentence);
  });

  test('with a wrong port is told what its Service has', async () => {
    const its = workload(`${CHART}\ninterfaces: { http: { port: web, ${ASKED.slice(1)} }`);
    await expect(its).rejects.toThrow('The Service server-it of it has no port web: it has http.');
  });
});
