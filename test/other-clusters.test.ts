// What breaks charts in other people's clusters: each kind once, for all charts, with the `helm` that is on PATH.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { describeWithHelm } from './needs.ts';

const FUNCTION = 'chart';
const TFSERVING = 'tfserving/chart';
const LOADTEST = 'loadtest/chart';
const CHARTS = [FUNCTION, TFSERVING, LOADTEST];
const TARGETS = [FUNCTION, TFSERVING];
const QUOTE = 'quote it';

interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels: Record<string, string>; annotations?: Record<string, string> };
  spec: Record<string, unknown>;
}
interface PodSpec {
  securityContext?: object;
  serviceAccountName: string;
  containers: { name: string; image: string; env?: { name: string; value?: string }[]; args: string[] }[];
}
interface Pod {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  spec: PodSpec;
}

describeWithHelm('charts in other clusters', () => {
  describe("Helm's ways in are open", () => {
    test.each(CHARTS)('%s is a part of another chart, with a condition, an alias, and anchors', (chart) => {
      const folder = makeFolder();
      mkdirSync(join(folder, 'charts'));
      const { name, version } = metadataOf(chart);
      symlinkSync(resolve(chart), join(folder, 'charts', name));
      const dependency = { name, version, condition: 'part.enabled', alias: 'part' };
      const parent = { apiVersion: 'v2', name: 'parent', version: '1.0.0', dependencies: [dependency] };
      writeFileSync(join(folder, 'Chart.yaml'), stringify(parent));
      const values =
        'x-pool: &pool {pool: fast}\npart:\n  enabled: true\n  x-keep: *pool\n  nodeSelector: {<<: *pool}\n';
      writeFileSync(join(folder, 'values.yaml'), values);
      const objects = render(folder, '--set', 'global.region=eu');
      expect(podsOf(objects)[0]!.spec).toHaveProperty('nodeSelector.pool', 'fast');
      expect(render(folder, '--set', 'part.enabled=false')).toEqual([]);
    });

    test.each(CHARTS)('%s still refuses a key that is mistyped', (chart) => {
      expect(refusal(chart, '--set', 'nodeSelectors.a=b')).toContain('nodeSelectors');
      expect(refusal(chart, '--set', 'image.tags=b')).toContain('tags');
    });

    test.each(CHARTS)('%s does without what is optional', (chart) => {
      const optional = [
        'securityContext',
        'tolerations',
        'affinity',
        'podLabels',
        'podAnnotations',
        'imagePullSecrets',
      ];
      const targets = ['probes', 'podDisruptionBudget', 'topologySpreadConstraints', 'networkPolicy', 'serviceMonitor'];
      const all = chart === LOADTEST ? [...optional, 'results'] : [...optional, ...targets];
      expect(() => render(chart, '--set', all.map((key) => `${key}=null`).join(','))).not.toThrow();
    });

    test.each(TARGETS)('%s takes the fields of a service', (chart) => {
      const objects = render(chart, '--set', 'service.ipFamilyPolicy=PreferDualStack,service.ipFamilies={IPv6,IPv4}');
      const fields = { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6', 'IPv4'] };
      expect(objectOf(objects, 'Service').spec).toMatchObject(fields);
    });
  });

  test.each(TARGETS)('%s leaves the number of pods to someone else', (chart) => {
    const objects = render(chart, '--set', 'autoscaling.enabled=false,replicaCount=null');
    expect(objectOf(objects, 'Deployment').spec).not.toHaveProperty('replicas');
  });

  describe('names', () => {
    test('of Jobs are others for other values, and the same for the same', () => {
      const [twenty, again, thirty] = [20, 20, 30].map((users) => jobName('load', '--set', `users=${users}`));
      expect(again).toBe(twenty);
      expect(thirty).not.toBe(twenty);
      expect(jobName('load', '--set', 'users=20,run=2')).not.toBe(twenty);
    });

    test('of Jobs differ in releases, however long', () => {
      const long = 'a-release-name-that-is-as-long-as-helm-takes-them-only';
      expect(jobName(`${long.slice(0, 52)}1`)).not.toBe(jobName(`${long.slice(0, 52)}2`));
    });

    test.each(CHARTS)('of %s differ where they are too long, and differ only at the end', (chart) => {
      const names = ['1', '2'].map((end) => {
        const objects = render(chart, '--set', `fullnameOverride=${'a'.repeat(70)}${end}`);
        return objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      });
      expect(names[0]!.filter((name) => names[1]!.includes(name))).toEqual([]);
      for (const name of names.flat()) expect(name.split(' ')[1]!.length).toBeLessThanOrEqual(63);
    });

    test.each(CHARTS)('and labels of %s are made of versions, and of aliases, whatever is in them', (chart) => {
      const { name } = metadataOf(chart);
      const part = copyOf(chart, {
        name: `${name}_2`,
        version: '1.2.3+build.5',
        appVersion: `1.2.3~rc1+${'b'.repeat(70)}`,
      });
      const objects = render(part);
      for (const { metadata } of objects) {
        expect(metadata.name).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
        for (const label of Object.values(metadata.labels))
          expect(label).toMatch(/^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/);
      }
      const [{ spec }] = podsOf(objects) as [Pod];
      expect(spec.containers[0]).toHaveProperty('name', `${name}-2`);
      expect(spec.containers[0]!.image).toMatch(/:1\.2\.3_rc1_b+$/);
      expect(objects[0]!.metadata.labels['helm.sh/chart']).toBe(`${name}_2-1.2.3_build.5`);
    });

    test.each(CHARTS)('of %s are text, also where YAML would read a number', (chart) => {
      for (const release of ['12', '12e4567', '0x1f', '1e3', 'true', 'null', 'y']) {
        const objects = render(chart, '--set', 'fullnameOverride=converter', { release });
        expect(objects.length).toBeGreaterThan(1);
        for (const { metadata } of objects) expect(metadata.labels['app.kubernetes.io/instance']).toBe(release);
      }
    });

    test.each(TARGETS)('of releases that %s could not give its service are refused', (chart) => {
      for (const release of ['12', 'v1.0']) {
        const reason = refusal(chart, { release });
        expect(reason).toContain(`"${release}-`);
        expect(reason).toContain('begin with a letter');
      }
    });

    test('of releases that the load test could not give its pods are refused', () => {
      expect(refusal(LOADTEST, { release: 'v1.0' })).toContain('only lowercase letters, digits and dashes');
      expect(refusal(LOADTEST, '--set', 'workers.count=1', { release: '12' })).toContain('begin with a letter');
      expect(jobName('12')).toMatch(/^12-f2c-loadtest-/);
    });

    test.each(CHARTS)('in values of %s must be names', (chart) => {
      for (const value of ['fullnameOverride=My_App', 'nameOverride=My App', 'serviceAccount.name=My_App'])
        expect(refusal(chart, '--set', value)).toContain('does not match pattern');
      expect(refusal(chart, '--set', 'podLabels.a=b c')).toContain('does not match pattern');
    });
  });

  describe('texts that YAML made numbers of are refused', () => {
    test.each(CHARTS)('by %s', (chart) => {
      const texts = ['image: {tag: 1234e56}', 'image: {tag: 0123456}', 'image: {tag: 20261123}', 'image: {tag: on}'];
      const others = ['podLabels: {build: 12}', 'podAnnotations: {a: true}', 'nameOverride: 1e5'];
      for (const values of [...texts, ...others])
        expect(refusal(chart, '--values', valuesFile(values))).toContain(QUOTE);
    });

    const terms = 'requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms';
    test.each([
      ['a toleration', CHARTS, 'tolerations: [{key: reserved, value: true}]'],
      ['a selector', CHARTS, 'nodeSelector: {pool: 1}'],
      [
        'an affinity',
        CHARTS,
        `affinity: {nodeAffinity: {${terms}: [{matchExpressions: [{key: a, operator: In, values: [2]}]}]}}}`,
      ],
      ['a variable', TARGETS, 'extraEnv: [{name: A, value: 5}]'],
      ['the source of a variable', TARGETS, 'extraEnv: [{name: A, valueFrom: {secretKeyRef: {name: a, key: 5}}}]'],
      ['a spread', TARGETS, 'topologySpreadConstraints: [{maxSkew: 1, labelSelector: {matchLabels: {a: 1}}}]'],
      ['a network policy', TARGETS, 'networkPolicy: {from: [{podSelector: {matchLabels: {scraper: true}}}]}'],
      ['a route', TARGETS, 'httpRoute: {matches: [{headers: [{name: version, value: 2}]}]}'],
      ['the time of a route', TARGETS, 'httpRoute: {timeouts: {request: 60}}'],
      ['a relabeling', TARGETS, 'serviceMonitor: {relabelings: [{targetLabel: shard, replacement: 1}]}'],
      ['a volume', TARGETS, 'extraVolumes: [{name: 1, emptyDir: {}}]'],
      ['a container', TARGETS, 'extraContainers: [{name: proxy, args: [8080]}]'],
    ])('in %s', (_, charts, values) => {
      for (const chart of charts) expect(refusal(chart, '--values', valuesFile(values))).toContain(QUOTE);
    });

    test.each(CHARTS)('but not as text, by %s', (chart) => {
      const objects = render(chart, '--set-string', 'image.tag=0123456,podLabels.build=12');
      const [pod] = podsOf(objects);
      expect(pod!.spec.containers[0]!.image).toMatch(/:0123456$/);
      expect(pod!.metadata.labels.build).toBe('12');
    });
  });

  describe("the user's lists and maps are merged with the chart's", () => {
    test('variables by their names', () => {
      const values = { settings: { maxValues: 5 }, extraEnv: [{ name: 'MAX_VALUES', value: '50' }] };
      const [pod] = podsOf(render(FUNCTION, '--values', valuesFile(stringify(values))));
      const found = pod!.spec.containers[0]!.env!.filter(({ name }) => name === 'MAX_VALUES');
      expect(found).toEqual([{ name: 'MAX_VALUES', value: '50' }]);
    });

    test.each(TARGETS)('%s: variables that the user has twice', (chart) => {
      const extraEnv = ['1', '2'].map((value) => ({ name: 'A', value }));
      const [pod] = podsOf(render(chart, '--values', valuesFile(stringify({ extraEnv }))));
      expect(pod!.spec.containers[0]!.env!.filter(({ name }) => name === 'A')).toEqual([{ name: 'A', value: '2' }]);
    });

    test.each(CHARTS)('%s: labels and annotations', (chart) => {
      const podLabels = { 'app.kubernetes.io/version': 'mine', 'helm.sh/chart': 'mine' };
      const commonLabels = { 'app.kubernetes.io/part-of': 'weather', 'app.kubernetes.io/version': 'ours' };
      const objects = render(chart, '--values', valuesFile(stringify({ podLabels, commonLabels })));
      for (const { metadata } of objects)
        expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/part-of': 'weather' });
      for (const { metadata } of podsOf(objects)) expect(metadata.labels).toMatchObject(podLabels);
    });

    test.each(CHARTS)('%s: but for labels that select', (chart) => {
      for (const label of ['name', 'instance']) {
        const values = valuesFile(stringify({ podLabels: { [`app.kubernetes.io/${label}`]: 'mine' } }));
        expect(refusal(chart, '--values', values)).toContain(`podLabels has app.kubernetes.io/${label}`);
      }
    });

    test.each(CHARTS)('%s: secrets for images', (chart) => {
      const [pod] = podsOf(render(chart, '--set', 'imagePullSecrets[0].name=a,imagePullSecrets[1].name=a'));
      expect(pod!.spec).toHaveProperty('imagePullSecrets', [{ name: 'a' }]);
    });
  });

  test.each(CHARTS)('%s: no pod has a user or a group where the platform gives it one', (chart) => {
    const values = '--set=securityContext.runAsUser=null,securityContext.runAsGroup=null,workers.count=1';
    const args = chart === LOADTEST ? values : values.replace(',workers.count=1', '');
    const pods = podsOf(render(chart, args));
    expect(pods).toHaveLength(2);
    for (const pod of pods) expect(JSON.stringify(pod)).not.toMatch(/runAsUser|runAsGroup|fsGroup/);
  });

  test.each(CHARTS)('%s: all pods are alike', (chart) => {
    const values = {
      podLabels: { team: 'weather' },
      podAnnotations: { note: 'mine' },
      serviceAccount: { name: 'mine' },
      nodeSelector: { pool: 'fast' },
      tolerations: [{ operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      priorityClassName: 'high',
      podSecurityContext: { supplementalGroups: [1] },
      imagePullSecrets: [{ name: 'registry' }],
      ...(chart === LOADTEST && { workers: { count: 1 } }),
    };
    const pods = podsOf(render(chart, '--values', valuesFile(stringify(values))));
    expect(pods).toHaveLength(2);
    for (const { metadata, spec } of pods) {
      expect(metadata).toMatchObject({ labels: { team: 'weather' }, annotations: { note: 'mine' } });
      const { serviceAccount, podSecurityContext, nodeSelector, tolerations, affinity, priorityClassName } = values;
      expect(spec).toMatchObject({ serviceAccountName: serviceAccount.name, securityContext: podSecurityContext });
      expect(spec).toMatchObject({ nodeSelector, tolerations, affinity, priorityClassName });
      const [container] = spec.containers;
      expect(container).toHaveProperty('resources.limits.cpu');
      expect(container).toHaveProperty('securityContext.runAsNonRoot', true);
    }
  });

  test.each(TARGETS)('%s: the pod of `helm test` stays, so that its log can be read', (chart) => {
    const [test] = render(chart).filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] === 'test');
    expect(test!.metadata.annotations!['helm.sh/hook-delete-policy']).toBe('before-hook-creation');
  });

  test('the load test takes IPv6 in brackets only', () => {
    expect(() => render(LOADTEST, '--set', 'host=http://[fd00::1]:8080')).not.toThrow();
    expect(refusal(LOADTEST, '--set', 'host=http://fd00::1:8080')).toContain('/host');
  });
});

type Arguments = (string | { release: string })[];

function helm(command: string[], chart: string, args: Arguments) {
  const { release = 'f2c' } = args.find((arg) => typeof arg === 'object') ?? {};
  const options = args.filter((arg) => typeof arg === 'string');
  return spawnSync('helm', [...command, release, chart, ...options], { encoding: 'utf8' });
}

/** All objects of a chart. */
function render(chart: string, ...args: Arguments): KubernetesObject[] {
  const { status, stdout, stderr } = helm(['template'], chart, args);
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout, { version: '1.1' }).flatMap((document) => {
    expect(document.errors).toEqual([]);
    return (document.toJS() as KubernetesObject | null) ?? [];
  });
}

/** Why Helm refuses to render a chart. */
function refusal(chart: string, ...args: Arguments): string {
  const { status, stderr } = helm(['template'], chart, args);
  expect(status, `${JSON.stringify(args)} is accepted`).not.toBe(0);
  return stderr;
}

function objectOf(objects: KubernetesObject[], kind: string): KubernetesObject {
  const found = objects.find((object) => object.kind === kind);
  expect(found, kind).toBeDefined();
  return found!;
}

/** The pods of all workloads, and that of `helm test`. */
function podsOf(objects: KubernetesObject[]): Pod[] {
  return objects.flatMap((object) => {
    if (object.kind === 'Pod') return object as unknown as Pod;
    return ['Deployment', 'Job'].includes(object.kind) ? (object.spec.template as Pod) : [];
  });
}

function jobName(release: string, ...args: string[]): string {
  return objectOf(render(LOADTEST, ...args, { release }), 'Job').metadata.name;
}

function metadataOf(chart: string): { name: string; version: string } {
  const { stdout } = spawnSync('helm', ['show', 'chart', chart], { encoding: 'utf8' });
  return parseAllDocuments(stdout)[0]!.toJS() as { name: string; version: string };
}

/** A copy of a chart, with other metadata. @returns its folder */
function copyOf(chart: string, metadata: Record<string, string>): string {
  const folder = makeFolder();
  cpSync(chart, folder, { recursive: true });
  writeFileSync(join(folder, 'Chart.yaml'), stringify({ apiVersion: 'v2', ...metadata }));
  return folder;
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'f2c-chart-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function valuesFile(text: string): string {
  const file = join(makeFolder(), 'values.yaml');
  writeFileSync(file, text);
  return file;
}
