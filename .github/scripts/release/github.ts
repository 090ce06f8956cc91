// The release on GitHub. Until all of it is published, it is a draft, which has its files and the digests.

import { execaSync } from 'execa';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a release consists of: the digest of each image and chart by its name, and the commit they were made from. */
export interface Digests {
  commit: string;
  digests: Record<string, string>;
}

/** The file of a release that has them. */
const DIGESTS = 'digests.json';
const FOLDER = 'dist/release';
const FILE = join(FOLDER, DIGESTS);

/** @returns the release, if it is there: whether it is still a draft, and whether it has the digests */
export function findRelease(tag: string): { isDraft: boolean; isComplete: boolean } | undefined {
  const { failed, stdout, stderr } = execaSync('gh', ['release', 'view', tag, '--json', 'isDraft,assets'], {
    reject: false,
  });
  if (failed && stderr.includes('release not found')) return undefined;
  if (failed) throw new Error(`gh release view ${tag} failed: ${stderr}`);
  const { isDraft, assets } = JSON.parse(stdout) as { isDraft: boolean; assets: { name: string }[] };
  return { isDraft, isComplete: assets.some(({ name }) => name === DIGESTS) };
}

/** @param tag of the release, or none for what this run has written */
export function readDigests(tag?: string): Digests {
  if (tag !== undefined) gh('release', 'download', tag, '--pattern', DIGESTS, '--dir', FOLDER, '--clobber');
  return JSON.parse(readFileSync(FILE, 'utf8')) as Digests;
}

export function writeDigests(digests: Digests): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(digests, null, 2)}\n`);
}

/** Makes a draft, in place of one whose making was interrupted. The digests come last: with them, it is complete. */
export function makeDraft(tag: string, notes: string, files: string[]): void {
  if (findRelease(tag)) gh('release', 'delete', tag, '--yes');
  const options = tag.includes('-') ? ['--prerelease'] : [];
  gh('release', 'create', tag, '--draft', '--verify-tag', '--title', tag, '--notes', notes, ...options, ...files);
  gh('release', 'upload', tag, FILE);
}

/** @param isLatest whether the page of the project shows it as the newest */
export function publishDraft(tag: string, isLatest: boolean): void {
  gh('release', 'edit', tag, '--draft=false', `--latest=${isLatest}`);
}

function gh(...args: string[]): void {
  execaSync('gh', args, { stdio: ['ignore', 'inherit', 'inherit'] });
}
