// The registry that images and charts are published to, by regctl, which reads what `docker login` has written.

import { execaSync } from 'execa';
import { writeFileSync } from 'node:fs';
import { parse } from 'yaml';
import { goTool } from '../go-tool.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const CHART = {
  config: 'application/vnd.cncf.helm.config.v1+json',
  content: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
};

/** A repository, such as `docker.io/me/f2c-function`. Digests are written `sha256:…`. */
export type Repository = string;

/** @returns all tags of a repository; none if it is not there yet */
export function tagsOf(repository: Repository): string[] {
  return (ask('tag', 'ls', repository) ?? '').split('\n').filter(Boolean);
}

/** @param reference a repository with `:tag` or `@digest` @returns the digest, if it is there */
export function digestOf(reference: string): string | undefined {
  return ask('manifest', 'head', '--require-digest', reference);
}

/** @returns the commit that an image was built from, which its label says, if the image is there */
export function revisionOf(image: string): string | undefined {
  const label = '{{ index .Config.Labels "org.opencontainers.image.revision" }}';
  return ask('image', 'inspect', '--platform', 'linux/amd64', '--format', label, image);
}

/** Lets a tag point to what is there. */
export function setTag(repository: Repository, tag: string, digest: string): void {
  regctl(['image', 'copy', `${repository}@${digest}`, `${repository}:${tag}`]);
}

/**
 * Makes one image of those for single platforms, with all that describes them (SBOM and provenance), without a tag.
 * @returns its digest
 */
export function joinPlatforms(repository: Repository, digests: string[]): string {
  const [first] = digests;
  if (first && digests.length === 1) return first;
  const manifests = digests.flatMap((digest) => {
    const body = regctl(['manifest', 'get', '--format', 'raw-body', `${repository}@${digest}`]);
    return (JSON.parse(body) as { manifests: unknown[] }).manifests;
  });
  const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests });
  return regctl(['manifest', 'put', '--by-digest', '--content-type', INDEX, repository], index);
}

/** Pushes the package of a chart as `helm push` does, but without a tag. @returns its digest */
export function pushChart(repository: Repository, file: string): string {
  const chart = parse(execaSync('helm', ['show', 'chart', file]).stdout) as Record<string, string>;
  const config = file.replace(/tgz$/, 'json');
  writeFileSync(config, JSON.stringify(chart));
  const annotations = { title: chart.name, version: chart.version, description: chart.description };
  return regctl([
    ...['artifact', 'put', '--by-digest', '--config-type', CHART.config, '--config-file', config],
    ...['--file-media-type', CHART.content, '--file', file],
    ...Object.entries(annotations).flatMap(([key, value]) => [
      '--annotation',
      `org.opencontainers.image.${key}=${value}`,
    ]),
    repository,
  ]);
}

/** @returns nothing where the registry does not have it */
function ask(...args: string[]): string | undefined {
  try {
    return regctl(args);
  } catch (error) {
    if (/not found|NAME_UNKNOWN|MANIFEST_UNKNOWN/.test((error as Error).message)) return undefined;
    throw error;
  }
}

/** @throws with what regctl says */
function regctl(args: string[], input?: string): string {
  return execaSync(goTool('regctl'), args, { input: input ?? '' }).stdout.trim();
}
