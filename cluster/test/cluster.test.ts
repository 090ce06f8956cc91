// `npm run cluster` as a process, with fakes of all the programs that it runs: nothing else is on its path.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readOptions as readOptionsOfCompare } from '../../compare/options.ts';
import { eventually } from '../../function/test/service.ts';
import type { Node } from '../../lib/kubernetes/objects.ts';
import packageJson from '../../package.json' with { type: 'json' };
import renovate from '../../renovate.json' with { type: 'json' };

const IMAGES = ['function', 'tfserving', 'loadtest'].map((image) => `f2c-${image}:${packageJson.version}`);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'f2c-cluster-'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'calls'), '');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

type Replies = Record<string, string>;

/**
 * Puts a program on the path that notes how it was called.
 * @param replies what it does, in bash, if its arguments have this text in them; those of the test count first
 */
function fake(name: string, replies: Replies = {}, usually: Replies = {}): void {
  const cases = [replies, usually]
    .flatMap(Object.entries<string>)
    .map(([text, body]) => `[[ "$*" != *'${text}'* ]] || { ${body}; exit; }`);
  const script = ['#!/bin/bash', `echo "${name} $*" >>'${join(folder, 'calls')}'`, ...cases];
  writeFileSync(join(folder, 'bin', name), `${script.join('\n')}\n`, { mode: 0o755 });
}

const print = (value: object) => `echo '${JSON.stringify(value)}'`;
const fail = (text: string) => `echo '${text}' >&2; exit 1`;

/** A node as Kubernetes describes it, as far as the command looks. */
function node(
  name: string,
  {
    images = [],
    labels,
    architecture = 'amd64',
    ...spec
  }: { images?: string[]; labels?: object; architecture?: string } & Node['spec'] = {},
) {
  const full = images.map((image) => ({ names: [image.includes('/') ? image : `docker.io/library/${image}`] }));
  const allocatable = { cpu: '2', memory: '4Gi' };
  const its = { 'kubernetes.io/arch': architecture, ...labels };
  return {
    metadata: { name, labels: its },
    spec,
    status: { images: full, allocatable, nodeInfo: { architecture } },
  };
}
const KIND_NODE = { images: IMAGES, providerID: 'kind://docker/dev/dev-control-plane' };

function fakeKubectl(nodes: object[], replies?: Replies): void {
  fake('kubectl', replies, {
    'proxy --': `exec '${process.execPath}' '${join(import.meta.dirname, 'fake-proxy.ts')}' "$@"`,
    'config current-context': 'echo the-context',
    '--raw /version': print({ gitVersion: 'v1.34.1' }),
    '/api/v1/nodes': print({ items: nodes }),
    '/apis/metrics.k8s.io/v1beta1/nodes': print({ items: [{}] }),
  });
}

function fakeDocker(replies?: Replies): void {
  fake('docker', replies, { 'Server.Arch': 'echo amd64', 'image ls': 'echo 0123456789ab' });
}

function fakeKind(clusters: string[], replies?: Replies): void {
  fake('kind', replies, { 'get clusters': `printf '%s\n' ${clusters.join(' ')}` });
}

function start(args: string[], env = {}) {
  return execa(process.execPath, ['cluster/main.ts', ...args], {
    env: { ...env, PATH: join(folder, 'bin'), NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
    extendEnv: false,
    all: true,
    reject: false,
  });
}

async function run(...args: string[]) {
  const { all, stdout, exitCode } = await start(args);
  return { all, stdout, exitCode, calls: calls() };
}

const calls = () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n').filter(Boolean);

/** The calls of which each has one of these texts in it, as these texts. */
function order(calls: string[], ...texts: string[]): string[] {
  return calls.flatMap((call) => texts.find((text) => call.includes(text)) ?? []);
}

describe('what is missing', () => {
  test('is listed at once, with where to get it, and nothing is started', async () => {
    const { exitCode, all, calls } = await run();
    expect(exitCode).toBe(1);
    for (const page of ['docs.docker.com', 'kind.sigs.k8s.io', 'kubernetes.io/docs/tasks/tools', 'helm.sh']) {
      expect(all).toContain(`See https://${page}`);
    }
    expect(all).toContain('docker, kind, kubectl, and helm.');
    expect(calls).toEqual([]);
  });

  test('can be an engine that Docker does not reach: what it says is shown', async () => {
    fakeDocker({ 'version --format {{.Server.Arch}}': fail('Cannot connect to the Docker daemon') });
    fakeKind([]);
    fakeKubectl([]);
    const { exitCode, all, calls } = await run();
    expect(exitCode).toBe(1);
    expect(all).toContain('Cannot connect to the Docker daemon');
    expect(all).toContain('missing or does not work: docker and helm.');
    expect(calls.join()).not.toMatch(/create|apply|build/);
  });

  test('for a cluster of another kind is neither kind nor Docker', async () => {
    fakeKubectl([node('one', { images: IMAGES })]);
    const { exitCode, all } = await run('--current');
    expect(exitCode).toBe(1);
    expect(all).toContain('missing or does not work: helm.');
  });

  test('for a cluster that kind runs is kind and Docker too', async () => {
    fakeKubectl([node('one', KIND_NODE)]);
    const { exitCode, all } = await run('--current');
    expect(exitCode).toBe(1);
    expect(all).toContain('missing or does not work: helm, docker, and kind.');
  });

  test('can be a platform that TensorFlow Serving has no image for', async () => {
    fakeDocker({ 'Server.Arch': 'echo arm64' });
    fakeKind([]);
    fakeKubectl([]);
    fake('helm');
    const { exitCode, all, calls } = await run();
    expect(exitCode).toBe(1);
    expect(all).toContain('Docker builds for arm64 here');
    expect(calls.join()).not.toContain('create');
  });

  test('can be a platform that the environment asks for, and that TensorFlow Serving has no image for', async () => {
    fakeDocker();
    fakeKind([]);
    fakeKubectl([]);
    fake('helm');
    const { exitCode, all } = await start([], { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' });
    expect(exitCode).toBe(1);
    expect(all).toContain('Docker builds for linux/arm64, as DOCKER_DEFAULT_PLATFORM says, here');
  });

  test('can be Docker, where podman has its name: it says so before anything else', async () => {
    const text = "Error: template: version:1:9: can'\\''t evaluate field Arch in type *define.Version";
    fakeDocker({ 'Server.Arch': fail(text) });
    fakeKind([]);
    fakeKubectl([]);
    fake('helm');
    const { exitCode, all, calls } = await run();
    expect(exitCode).toBe(1);
    expect(all).toContain('Another program has the name docker here, such as podman, which is not supported.');
    expect(calls.join()).not.toMatch(/create|build/);
  });

  test('can be Docker as the provider of kind', async () => {
    fakeDocker();
    fakeKind([]);
    fakeKubectl([]);
    fake('helm');
    const { exitCode, all } = await start([], { KIND_EXPERIMENTAL_PROVIDER: 'podman' });
    expect(exitCode).toBe(1);
    expect(all).toContain('KIND_EXPERIMENTAL_PROVIDER is podman, which is not supported');
    expect(calls().join()).not.toMatch(/create|build/);
  });

  test('can be images that --no-build takes for built', async () => {
    fakeDocker({ 'image ls --quiet f2c-tfserving': ':' });
    fakeKind([]);
    fakeKubectl([]);
    fake('helm');
    const { exitCode, all, calls } = await run('--no-build');
    expect(exitCode).toBe(1);
    expect(all).toContain(`Docker does not have ${IMAGES[1]}: build them by leaving out --no-build.`);
    expect(calls.join()).not.toContain('create');
  });
});

describe('a kind cluster', () => {
  const STEPS = ['create cluster', 'export kubeconfig', 'apply', 'docker build', 'load docker-image', 'metrics.k8s.io'];
  beforeEach(() => {
    fakeDocker();
    fake('helm');
    fakeKubectl([node('one', KIND_NODE)]);
  });

  test('is created with node ports on the loopback interface, and completed', async () => {
    fakeKind(['another']);
    const { exitCode, all, stdout, calls } = await run();
    expect(exitCode, all).toBe(0);
    expect(order(calls, ...STEPS)).toEqual([
      'create cluster',
      'apply',
      ...Array<string>(3).fill('docker build'),
      ...Array<string>(3).fill('load docker-image'),
      'metrics.k8s.io',
    ]);
    for (const image of IMAGES) {
      expect(calls).toContainEqual(expect.stringMatching(new RegExp(`^docker build .*--tag ${image} `)));
      expect(calls).toContain(`kind load docker-image --name f2c ${image}`);
    }
    expect(stdout).toContain('npm run compare');
    expect(stdout).toContain('kind delete cluster --name f2c');

    const [, config = ''] = /--config (\S+)/.exec(calls.join('\n')) ?? [];
    const { nodes } = parse(readFileSync(config, 'utf8')) as {
      nodes: { extraPortMappings: { containerPort: number; hostPort: number; listenAddress: string }[] }[];
    };
    expect(nodes.flatMap(({ extraPortMappings }) => extraPortMappings)).toEqual(
      [30080, 30501].map((port) => ({ containerPort: port, hostPort: port, listenAddress: '127.0.0.1' })),
    );
  });

  test('that is there is not created again, but becomes the current context', async () => {
    fakeKind(['f2c']);
    const { exitCode, calls } = await run('--no-build');
    expect(exitCode).toBe(0);
    expect(new Set(order(calls, ...STEPS))).toEqual(
      new Set(['export kubeconfig', 'apply', 'load docker-image', 'metrics.k8s.io']),
    );
  });

  test('is the only one that is changed, whatever the current context', async () => {
    fakeKind([]);
    const { calls } = await run();
    for (const call of calls.filter((call) => call.startsWith('kubectl') && !call.includes('version'))) {
      expect(call).toContain('--context kind-f2c ');
    }
  });

  test('waits for a metrics API that is not there yet', async () => {
    fakeKind(['f2c']);
    const firstTime = `[[ $(<'${join(folder, 'calls')}') == *metrics.k8s.io*metrics.k8s.io* ]]`;
    const notFound = fail('Error from server (NotFound): the server could not find the requested resource');
    fakeKubectl([node('one', KIND_NODE)], {
      '/apis/metrics': `${firstTime} && ${print({ items: [{}] })} || { ${notFound}; }`,
    });
    const { exitCode, calls } = await run('--no-build');
    expect(exitCode).toBe(0);
    expect(order(calls, 'metrics.k8s.io')).toHaveLength(2);
  });

  test('that does not get ready can be removed', async () => {
    fakeKind(['f2c']);
    fakeKubectl([], { 'wait nodes': fail('timed out waiting for the condition on nodes/f2c-control-plane') });
    const { exitCode, all } = await run();
    expect(exitCode).toBe(1);
    expect(all).toContain('timed out waiting for the condition');
    expect(all).toContain('kind delete cluster --name f2c');
  });

  test('does not stay half made when it is interrupted', async () => {
    fakeKind([], { 'create cluster': 'exec /bin/sleep 60' });
    const child = start([]);
    await eventually(() => expect(calls()).toContainEqual(expect.stringContaining('kind create cluster')));
    child.kill('SIGINT');
    const { exitCode, all } = await child;
    expect(exitCode).toBe(130);
    expect(all).toContain('Interrupted in this step: creating the kind cluster f2c');
    expect(calls().at(-1)).toBe('kind delete cluster --name f2c');
  });

  test('is not loaded with anything when a build fails, and what Docker said is shown', async () => {
    fakeKind(['f2c']);
    fakeDocker({ 'build --file': "echo 'Step 7: npm ci'; echo 'returned a non-zero code: 1' >&2; exit 1" });
    const { exitCode, all, calls } = await run();
    expect(exitCode).toBe(1);
    expect(all).toContain('Step 7: npm ci\nreturned a non-zero code: 1');
    expect(all).toContain(`Failed in this step: building ${IMAGES[0]}`);
    expect(calls.join()).not.toContain('load');
  });
});

describe('the current context', () => {
  beforeEach(() => {
    fakeDocker();
    fake('helm');
  });

  test('of kind gets the images by kind, under its own name', async () => {
    fakeKubectl([node('one', KIND_NODE)]);
    fakeKind(['dev', 'f2c']);
    const { exitCode, all, stdout, calls } = await run('--current');
    expect(exitCode, all).toBe(0);
    expect(order(calls, 'docker build')).toHaveLength(3);
    for (const image of IMAGES) expect(calls).toContain(`kind load docker-image --name dev ${image}`);
    expect(calls.join()).not.toMatch(/create|apply|delete/);
    expect(stdout).toBe('  npm run compare -- --context the-context --quick');
  });

  test('of minikube gets the images by minikube, in its profile', async () => {
    fakeKubectl([node('one', { images: IMAGES, labels: { 'minikube.k8s.io/name': 'mine' } })]);
    fake('minikube');
    const { exitCode, all, calls } = await run('--current');
    expect(exitCode, all).toBe(0);
    for (const image of IMAGES) expect(calls).toContain(`minikube --profile mine image load ${image}`);
  });

  test('of another cluster that has the images is only checked', async () => {
    const tainted = [{ effect: 'NoSchedule' }];
    fakeKubectl([
      node('one', { images: IMAGES }),
      node('control-plane', { taints: tainted }),
      node('cordoned', { unschedulable: true }),
    ]);
    const { exitCode, all, calls } = await run('--current');
    expect(exitCode, all).toBe(0);
    expect(all).toContain('nothing was built, and nothing loaded');
    expect(calls.join()).not.toContain('docker');
  });

  test('of another cluster without the images has four ways to get them', async () => {
    fakeKubectl([node('one', { images: IMAGES }), node('two', { images: [IMAGES[1]!, `docker.io/me/${IMAGES[0]}`] })]);
    const { exitCode, all, calls } = await run('--current');
    expect(exitCode).toBe(1);
    expect(all).toContain(`  two: ${IMAGES[0]}, ${IMAGES[2]}\n`);
    expect(all).not.toContain('  one: ');
    for (const way of [
      '--current --push docker.io/me',
      'ctr --namespace k8s.io images import -',
      'npm run cluster\n',
      'minikube start',
    ]) {
      expect(all).toContain(way);
    }
    expect(calls.join()).not.toContain('docker');
  });

  test('of another cluster gets the images from a registry, and compare takes the options that are printed', async () => {
    fakeKubectl([node('one')]);
    const { exitCode, all, stdout, calls } = await run('--current', '--push', 'registry.example:5000/me');
    expect(exitCode, all).toBe(0);
    const pushed = IMAGES.map((image) => `registry.example:5000/me/${image}`);
    expect(order(calls, 'docker build', ...pushed.map((image) => `docker push ${image}`))).toEqual([
      ...Array<string>(3).fill('docker build'),
      ...pushed.map((image) => `docker push ${image}`),
    ]);
    const [, , , , ...args] = stdout.replaceAll('\\\n', '').trim().split(/\s+/);
    const { set } = readOptionsOfCompare(args);
    const references = Object.values(set).map((values) =>
      (values ?? []).map((value) => value.replace(/^image\.(repository|tag)=/, '')).join(':'),
    );
    expect(references).toEqual(pushed);
  });

  describe('is held against what the charts ask for, before anything is built,', () => {
    /** Makes Helm render a pod for the chart of TensorFlow Serving. */
    const fakeChart = (selector: object, requests: object) => {
      const containers = [{ name: 'f2c-tfserving', resources: { requests } }];
      const template = { spec: { containers, nodeSelector: selector } };
      fake('helm', { 'template f2c-tfserving': print({ kind: 'Deployment', spec: { template } }) });
    };
    const push = ['--current', '--push', 'registry.example/me'];
    const AMD64 = { 'kubernetes.io/arch': 'amd64' };

    test('such as an architecture that no node has', async () => {
      fakeChart(AMD64, {});
      fakeKubectl([node('graviton', { architecture: 'arm64' })]);
      const { exitCode, all, calls } = await run(...push);
      expect(exitCode).toBe(1);
      expect(all).toContain('No node can run f2c-tfserving: its chart asks for kubernetes.io/arch=amd64.');
      expect(all).toContain('graviton has kubernetes.io/arch=arm64');
      expect(calls.join()).not.toMatch(/build|push/);
    });

    test('such as more CPU and memory than a node has', async () => {
      fakeChart({}, { cpu: '3', memory: '1Gi' });
      fakeKubectl([node('small')]);
      const { exitCode, all } = await run(...push);
      expect(exitCode).toBe(1);
      expect(all).toContain('a pod of its chart requests 3 CPUs and 1024 MiB.');
      expect(all).toContain('small has 2 CPUs and 4096 MiB');
    });

    test('such as a version of Kubernetes, which Helm compares', async () => {
      const error = 'Error: chart requires kubeVersion: >=1.30.0-0 which is incompatible with Kubernetes v1.29.3';
      fake('helm', { '--kube-version v1.29.3': fail(error) });
      fakeKubectl([node('one')], { '--raw /version': print({ gitVersion: 'v1.29.3' }) });
      const { exitCode, all, calls } = await run(...push);
      expect(exitCode).toBe(1);
      expect(all).toContain(error);
      expect(calls.join()).not.toMatch(/build|push/);
    });

    test('and pods are kept off nodes that can’t run the images', async () => {
      fakeChart(AMD64, {});
      fakeKubectl([node('one'), node('graviton', { architecture: 'arm64' })]);
      const { exitCode, all, stdout } = await run(...push);
      expect(exitCode, all).toBe(0);
      expect(all).toContain("can't run on graviton (arm64)");
      for (const chart of ['function', 'loadtest']) {
        expect(stdout).toContain(`--set '${chart}.nodeSelector.kubernetes\\.io/arch=amd64'`);
      }
    });
  });

  test.each([
    ['403', 'Error from server (Forbidden): nodes is forbidden: User "me" cannot list resource "nodes"'],
    ['no answer', 'The connection to the server 10.0.0.1:6443 was refused'],
  ])('that gives %s: what kubectl said is shown, and no cause is guessed', async (_, text) => {
    fakeKubectl([], { '/api/v1/nodes': fail(text) });
    const { exitCode, all } = await run('--current');
    expect(exitCode).toBe(1);
    expect(all).toContain(text);
    expect(all).not.toMatch(/metrics|push|kind/);
  });

  test.each([
    [node('one', { images: IMAGES }), 'github.com/kubernetes-sigs/metrics-server#installation'],
    [
      node('one', { labels: { 'minikube.k8s.io/name': 'mine' } }),
      'minikube --profile mine addons enable metrics-server',
    ],
    [node('one', KIND_NODE), 'kubectl --context the-context apply --kustomize cluster/metrics-server'],
  ])('without a metrics API tells how to get one', async (node, way) => {
    const text = 'Error from server (NotFound): the server could not find the requested resource';
    fakeKubectl([node], { '/apis/metrics': fail(text) });
    fake('minikube');
    fakeKind(['dev']);
    const { exitCode, all, calls } = await run('--current');
    expect(exitCode).toBe(1);
    expect(all).toContain(way);
    expect(calls.join()).not.toContain('build');
  });

  test('that forbids the metrics API has one', async () => {
    const text = 'Error from server (Forbidden): nodes.metrics.k8s.io is forbidden';
    fakeKubectl([node('one', { images: IMAGES })], { '/apis/metrics': fail(text) });
    const { exitCode, all } = await run('--current');
    expect(exitCode).toBe(1);
    expect(all).toContain(text);
    expect(all).not.toContain('install');
  });

  test('that is not set is no obstacle where kubectl works without one, as in a pod', async () => {
    const notSet = { 'config current-context': fail('error: current-context is not set') };
    fakeKubectl([node('one', { images: IMAGES })], notSet);
    const { exitCode, all, stdout, calls } = await run('--current');
    expect(exitCode, all).toBe(0);
    expect(calls.join()).not.toContain('--context');
    expect(stdout).toBe('  npm run compare -- --quick');

    const refused = 'The connection to the server localhost:8080 was refused';
    fakeKubectl([], { ...notSet, '/api/v1/nodes': fail(refused) });
    const elsewhere = await run('--current');
    expect(elsewhere.exitCode).toBe(1);
    expect(elsewhere.all).toMatch(/kubectl has no current context(.|\n)*localhost:8080 was refused/);
  });

  test('gives way to a context and a file that are given, which compare is told, too', async () => {
    fakeKubectl([node('one', { images: IMAGES })]);
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, '');
    const { exitCode, all, stdout, calls } = await run('--current', '--context', 'mine', '--kubeconfig', file);
    expect(exitCode, all).toBe(0);
    const asked = calls.filter((call) => call.startsWith('kubectl') && !call.includes('version'));
    for (const call of asked) expect(call).toContain('--context mine ');
    expect(stdout).toBe(`  npm run compare -- --kubeconfig ${file} --context mine --quick`);
  });

  test('can contradict the environment of Helm, which is refused before anything is built', async () => {
    fakeKubectl([node('one', KIND_NODE)]);
    fakeKind(['dev']);
    const env = { HELM_KUBECONTEXT: 'another' };
    const { exitCode, all } = await start(['--current'], env);
    expect(exitCode).toBe(1);
    expect(all).toContain('unset HELM_KUBECONTEXT');
    expect(calls().join()).not.toMatch(/docker|nodes/);
  });
});

test.each([
  [['--push', 'docker.io/me'], '--current'],
  [['--context', 'mine'], '--context is for a cluster that exists: give --current too'],
  [['--current', '--kubeconfig', '/nowhere/config'], 'There is no file /nowhere/config.'],
  [['--current', '--push', 'https://docker.io/me'], 'without https://'],
  [['--current', '--push', 'docker.io/Me'], 'in lowercase letters'],
  [['--current', '--push', 'docker.io/me/..'], 'A registry is wanted'],
  [['--curent'], 'unknown option'],
  [['kind'], 'too many arguments'],
])('wrong use: %j', async (args, sentence) => {
  const { exitCode, all, calls } = await run(...args);
  expect(exitCode).toBe(2);
  expect(all).toContain(sentence);
  expect(calls).toEqual([]);
});

test('--help has examples and exit codes', async () => {
  const { exitCode, stdout } = await run('--help');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('npm run cluster -- --current --push docker.io/me');
  expect(stdout).toContain('130 interrupted');
});

test('Renovate finds the version of metrics-server', () => {
  const file = 'cluster/metrics-server/kustomization.yaml';
  const managers = renovate.customManagers.filter(({ managerFilePatterns }) =>
    managerFilePatterns.some((pattern) => new RegExp(pattern.slice(1, -1)).test(file)),
  );
  expect(managers).toHaveLength(1);
  const [pattern = ''] = managers[0]!.matchStrings;
  expect(new RegExp(pattern).exec(readFileSync(file, 'utf8'))?.groups).toEqual({
    depName: 'kubernetes-sigs/metrics-server',
    currentValue: expect.stringMatching(/^v\d+\.\d+\.\d+$/) as string,
  });
});
