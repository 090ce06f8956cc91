// The steps of the release workflow that touch what is published: `npm run release -- plan`, `stage` and `finish`.
//
// A version is published once. Everything is pushed without tags and signed first; its digests are kept, for a version in
// a draft of the release on GitHub. Only then are all tags set. So a run that broke, or that is started again, ends with
// the same release, and nobody sees half of one.

import { Argument, Command } from 'commander';
import { execaSync } from 'execa';
import { appendFileSync, globSync, readFileSync } from 'node:fs';
import packageJson from '../../../package.json' with { type: 'json' };
import { notesOf } from '../changelog.ts';
import { findRelease, makeDraft, publishDraft, readDigests, writeDigests } from './github.ts';
import { digestOf, joinPlatforms, pushChart, revisionOf, setTag, tagsOf } from './registry.ts';
import { readRelease, type Part, type Release } from './release.ts';
import { mayRelease, movingTags } from './versions.ts';

/** An image or a chart that is in the registry. */
interface PushedPart extends Part {
  digest: string;
}

new Command('npm run release --')
  .description('A step of the release workflow, which sets what it needs in its environment.')
  .addArgument(new Argument('<step>').choices(['plan', 'stage', 'finish']))
  .action((step: 'plan' | 'stage' | 'finish') => {
    try {
      ({ plan, stage, finish })[step](readRelease(process.env));
    } catch (error) {
      console.error(`::error title=npm run release -- ${step}::${(error as Error).message}`);
      process.exitCode = 1;
    }
  })
  .parse();

/** Refuses, before anything is pushed, what must not be published. Tells the workflow whether there is anything to build. */
function plan(release: Release): void {
  const { tag, imageTag } = release;
  const isStaged = tag !== undefined && checkVersion(tag, release);
  const outputs = [`build=${!isStaged}`, `version=${tag === undefined ? 'edge' : imageTag}`];
  appendFileSync(process.env.GITHUB_OUTPUT ?? '/dev/null', `${outputs.join('\n')}\n`);
  console.log(isStaged ? `${tag} has its images and charts: none is built again.` : 'All of it is to be built.');
}

/** @returns whether all that the version consists of is in the registry, with or without tags */
function checkVersion(tag: string, release: Release): boolean {
  notesOf(readFileSync('CHANGELOG.md', 'utf8'), tag, packageJson.version);
  const { stdout: branches } = execaSync('git', [
    ...['for-each-ref', '--contains', release.commit, '--format=%(refname:lstrip=3)', 'refs/remotes/origin'],
  ]);
  if (!branches.split('\n').some((branch) => mayRelease(release.imageTag, branch))) {
    throw new Error(
      `The commit of ${tag} is not on main, nor on a branch such as 1.x or 1.4.x of its version: merge it first.`,
    );
  }
  const found = findRelease(tag);
  if (found?.isComplete) {
    checkCommit(readDigests(tag).commit, release);
    return true;
  }
  if (found?.isDraft === false) {
    throw new Error(
      `GitHub has a release ${tag} that this workflow did not make: delete it, or release another version.`,
    );
  }
  for (const { repository, tag: version } of [...release.images, ...release.charts]) {
    if (!digestOf(`${repository}:${version}`)) continue;
    throw new Error(
      `${repository}:${version} is published already, but GitHub has no release ${tag}: release another version.`,
    );
  }
  return false;
}

function checkCommit(published: string, { tag, commit }: Release): void {
  if (published === commit) return;
  throw new Error(
    `${tag} was published from the commit ${published}, and is now on ${commit}. A version is published once: release ` +
      'another one.',
  );
}

/** Pushes without a tag, and signs, what the tags will point to, and keeps the digests. */
function stage(release: Release): void {
  const { account, tag, imageTag, chartVersion, commit, images, charts } = release;
  if (tag !== undefined && findRelease(tag)?.isComplete) return;
  const options = ['--registry', account, '--chart-version', chartVersion, '--image-tag', imageTag];
  execaSync('npm', ['run', 'package:charts', '--', ...options], { stdio: 'inherit' });
  const pushed = [
    ...images.map((image) => ({ ...image, digest: joinPlatforms(image.repository, builtDigests(image)) })),
    ...charts.map((chart) => {
      const file = `dist/charts/${chart.name}-${chartVersion}.tgz`;
      return { ...chart, digest: pushChart(chart.repository, file) };
    }),
  ];
  for (const { repository, digest } of pushed) {
    execaSync('cosign', ['sign', '--yes', `${repository}@${digest}`], { stdio: 'inherit' });
  }
  writeDigests({ commit, digests: Object.fromEntries(pushed.map(({ name, digest }) => [name, digest])) });
  if (tag === undefined) return;
  const notes = notesOf(readFileSync('CHANGELOG.md', 'utf8'), tag, packageJson.version);
  makeDraft(tag, notes, globSync(['dist/charts/*.tgz', 'dist/plan/base-images-*.json', 'results/report.pdf']).sort());
}

/** The digests that the builds of an image have kept, one for each platform. */
function builtDigests({ name }: Part): string[] {
  const files = globSync(`dist/digest-*/${name}-*`).sort();
  if (files.length === 0) throw new Error(`No build of ${name} has kept its digest.`);
  return files.map((file) => readFileSync(file, 'utf8').trim());
}

/** Sets the tags of all of it, or none where one of them can't be set. */
function finish(release: Release): void {
  const { tag, images, charts } = release;
  const { commit, digests } = readDigests(tag);
  checkCommit(commit, release);
  const pushed = (part: Part): PushedPart => {
    const { [part.name]: digest } = digests;
    if (digest && digestOf(`${part.repository}@${digest}`)) return { ...part, digest };
    throw new Error(`${part.repository} does not have ${digest ?? 'what belongs to this release'}.`);
  };
  if (tag === undefined) publishEdge(release, images.map(pushed), charts.map(pushed));
  else publishVersion(tag, images.map(pushed), charts.map(pushed));
  for (const { repository } of [...images, ...charts]) console.log(`${repository}: ${tagsOf(repository).join(' ')}`);
}

function publishVersion(tag: string, images: PushedPart[], charts: PushedPart[]): void {
  for (const { repository, tag: version, digest } of [...images, ...charts]) {
    if ([undefined, digest].includes(digestOf(`${repository}:${version}`))) continue;
    throw new Error(`${repository}:${version} is published already, with another digest: release another version.`);
  }
  for (const { repository, tag: version, digest } of [...images, ...charts]) setTag(repository, version, digest);
  const [first] = images;
  const moving = first ? movingTags(first.tag, tagsOf(first.repository)) : [];
  for (const { repository, digest } of images) for (const each of moving) setTag(repository, each, digest);
  if (findRelease(tag)?.isDraft) publishDraft(tag, moving.includes('latest'));
}

/** Moves `edge`, unless it is on a later commit already, as where an earlier run is started again. */
function publishEdge({ commit }: Release, images: PushedPart[], charts: PushedPart[]): void {
  // The commit's images, where they are published already, stay.
  const staying = images.map((image) => ({
    ...image,
    digest: digestOf(`${image.repository}:${image.tag}`) ?? image.digest,
  }));
  for (const { repository, tag, digest } of staying) setTag(repository, tag, digest);
  const edge = images[0] && revisionOf(`${images[0].repository}:edge`);
  if (edge && edge !== commit && isAncestor(commit, edge)) {
    console.log(`::notice title=edge stays::It is on the commit ${edge}, which is later than ${commit}.`);
    return;
  }
  for (const { repository, digest } of staying) setTag(repository, 'edge', digest);
  for (const { repository, tag, digest } of charts) setTag(repository, tag, digest);
}

function isAncestor(commit: string, of: string): boolean {
  return !execaSync('git', ['merge-base', '--is-ancestor', commit, of], { reject: false }).failed;
}
