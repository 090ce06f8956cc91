// Writes a new version into images, charts and documentation, all of them or none. `npm version X.Y.Z` runs this script
// twice: with --check, before it changes package.json and the lockfile, and afterwards.

import { globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { release } from './changelog.ts';

const VERSION = String.raw`\d+\.\d+\.\d+[\w.+-]*`;
const IMAGE_TAG = new RegExp(
  String.raw`(?<=\bf2c-(?:function|tfserving|loadtest):|image\.tag=|-chart --version )${VERSION}`,
  'g',
);

/** Each file that names the version, and a pattern that finds the version in it. */
export const PLACES: [file: string, pattern: RegExp][] = [
  ...globSync('{,*/}chart/Chart.yaml').map((file): [string, RegExp] => [
    file,
    new RegExp(`(?<=^version: |^appVersion: ')${VERSION}`, 'gm'),
  ]),
  ['.github/docker-bake.hcl', new RegExp(`(?<=default = ")${VERSION}`, 'g')],
  ['function/openapi.yaml', new RegExp(`(?<=^  version: )${VERSION}`, 'gm')],
  ['README.md', IMAGE_TAG],
  // helm-docs generates this file with the version in Chart.yaml, which gives the same text.
  ['chart/README.md', IMAGE_TAG],
  ...['compare/built-in', 'compare/test/e2e/mortal', 'examples/model-servers'].map((folder): [string, RegExp] => [
    `${folder}/servers.yaml`,
    IMAGE_TAG,
  ]),
  ['compare/test/e2e/images.ts', IMAGE_TAG],
];

/**
 * The changed files with their new texts.
 * @throws with a sentence if one of them can't have the version
 */
function changedFiles(version: string): [file: string, text: string][] {
  const today = new Date().toISOString().slice(0, 10);
  const places = PLACES.map(([file, pattern]): [string, string] => {
    const text = readFileSync(file, 'utf8');
    if (text.search(pattern) === -1)
      throw new Error(`${file} names no version: see PLACES in .github/scripts/version.ts.`);
    return [file, text.replaceAll(pattern, version)];
  });
  return [['CHANGELOG.md', release(readFileSync('CHANGELOG.md', 'utf8'), version, today)], ...places];
}

/** Replaces all files, or none. */
function write(files: [file: string, text: string][]): void {
  const next = (file: string) => `${file}.next`;
  try {
    for (const [file, text] of files) writeFileSync(next(file), text);
  } catch (error) {
    for (const [file] of files) rmSync(next(file), { force: true, recursive: true });
    throw error;
  }
  for (const [file] of files) renameSync(next(file), file);
}

/** Takes back what npm itself has changed. */
function restore(version: string, old: string): void {
  // The lockfile begins with the version, twice.
  for (const [file, count] of [
    ['package.json', 1],
    ['package-lock.json', 2],
  ] as const) {
    let text = readFileSync(file, 'utf8');
    for (let i = 0; i < count; i++) text = text.replace(`"version": "${version}"`, `"version": "${old}"`);
    writeFileSync(file, text);
  }
}

if (import.meta.main) {
  const isCheck = process.argv.includes('--check');
  const { npm_new_version: version = '', npm_old_version: old = '' } = process.env;
  try {
    if (!version) throw new Error('npm version X.Y.Z runs this script, and tells it the version.');
    const files = changedFiles(version);
    if (!isCheck) write(files);
    if (!isCheck) console.log(`Commit it, and when it is on main: git tag v${version} && git push origin v${version}`);
  } catch (error) {
    if (!isCheck && version) restore(version, old);
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
