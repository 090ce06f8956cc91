// The three images, on their way from the sources to the nodes.

import { join } from 'node:path';
import { Failure } from '../lib/failure.ts';
import type { Kubernetes } from '../lib/kubernetes/api.ts';
import type { Node } from '../lib/kubernetes/objects.ts';
import type { Progress } from '../lib/progress.ts';
import { RELEASES, ROOT, VERSION, type Chart } from '../lib/project.ts';
import type { Shell } from '../lib/shell.ts';
import { readNodes, until, type Provider } from './checks.ts';

const CHARTS = Object.keys(RELEASES) as Chart[];
const imageName = (chart: Chart) => `${RELEASES[chart]}:${VERSION}`;
/** The names that the charts of this version have for their images. */
export const IMAGES = CHARTS.map(imageName);

/**
 * Checks, before anything starts, that Docker can build the images, or has them.
 * @throws Failure
 */
export async function checkSource(shell: Shell, build: boolean): Promise<void> {
  if (!build) {
    const missing: string[] = [];
    for (const image of IMAGES) {
      if (!(await shell.run('docker', ['image', 'ls', '--quiet', image]))) missing.push(image);
    }
    if (missing.length === 0) return;
    throw new Failure(`Docker does not have ${list(missing)}: build them by leaving out --no-build.`);
  }
  const platform = process.env.DOCKER_DEFAULT_PLATFORM;
  const architecture = platform
    ? `${platform}, as DOCKER_DEFAULT_PLATFORM says,`
    : await shell.run('docker', ['version', '--format', '{{.Server.Arch}}']);
  if (architecture === 'amd64' || platform === 'linux/amd64') return;
  throw new Failure(
    `Docker builds for ${architecture} here, and TensorFlow Serving is released for amd64 only. For a cluster of amd64 ` +
      'nodes elsewhere, set DOCKER_DEFAULT_PLATFORM=linux/amd64 and give --current --push.',
  );
}

/** Builds the images; Docker needs no plugin for it. */
export async function buildImages(shell: Shell, progress: Progress): Promise<void> {
  for (const chart of CHARTS) {
    progress.begin(`building ${imageName(chart)} (one to two minutes; seconds when nothing has changed)`);
    await shell.run('docker', ['build', '--file', join(ROOT, chart, 'Dockerfile'), '--tag', imageName(chart), ROOT]);
  }
  progress.say(`Docker has built ${list(IMAGES)}.`);
}

/** Builds the images if they are to be built, and loads them into all nodes of a cluster on this machine. */
export async function provideImages(
  api: Kubernetes,
  shell: Shell,
  provider: Provider,
  build: boolean,
  progress: Progress,
): Promise<void> {
  if (build) await buildImages(shell, progress);
  for (const image of IMAGES) {
    progress.begin(`loading ${image} into ${provider.program} (half a minute; seconds when nothing has changed)`);
    if (provider.program === 'kind')
      await shell.run('kind', ['load', 'docker-image', '--name', provider.cluster, image]);
    else await shell.run('minikube', ['--profile', provider.cluster, 'image', 'load', image]);
  }
  progress.begin('waiting until the nodes list the images (up to a minute)');
  await until(shell, 'All nodes list the images', 90, async () => {
    const missing = missingImages(await readNodes(api));
    return missing.length === 0 || missing.join('\n');
  });
  progress.say(`All nodes have ${list(IMAGES)}.`);
}

/** What the nodes' container runtimes write before a name that has no registry: Docker, containerd, and CRI-O. */
const PREFIXES = ['', 'docker.io/library/', 'localhost/'];

/** @returns a line for each node that does not list all images, with those that it lacks */
export function missingImages(nodes: Node[]): string[] {
  return nodes.flatMap(({ metadata, status }) => {
    const names = status.images?.flatMap(({ names }) => names ?? []) ?? [];
    const has = (image: string) => PREFIXES.some((prefix) => names.includes(prefix + image));
    const missing = IMAGES.filter((image) => !has(image));
    return missing.length > 0 ? [`${metadata.name}: ${missing.join(', ')}`] : [];
  });
}

/** Pushes the images to a registry. @returns the options with which `npm run compare` uses them */
export async function pushImages(shell: Shell, registry: string): Promise<string[]> {
  for (const image of IMAGES) {
    await shell.run('docker', ['tag', image, `${registry}/${image}`]);
    await shell.run('docker', ['push', `${registry}/${image}`]);
  }
  return CHARTS.map(
    (chart) => `--set ${chart}.image.repository=${registry}/${RELEASES[chart]} --set ${chart}.image.tag=${VERSION}`,
  );
}

export function list(names: Iterable<string>): string {
  return new Intl.ListFormat('en').format(names);
}
