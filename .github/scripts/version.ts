// Writes the version in package.json into images, charts and documentation. `npm version X.Y.Z` runs this script.

import { globSync, readFileSync, writeFileSync } from 'node:fs';
import packageJson from '../../package.json' with { type: 'json' };
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
  ['loadtest/test/e2e/images.ts', IMAGE_TAG],
];

if (import.meta.main) {
  try {
    const { version } = packageJson;
    const today = new Date().toISOString().slice(0, 10);
    const changelog = release(readFileSync('CHANGELOG.md', 'utf8'), version, today);
    writeFileSync('CHANGELOG.md', changelog);
    for (const [file, pattern] of PLACES) {
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll(pattern, version));
    }
    console.log(`Commit it, and when it is on main: git tag v${version} && git push origin v${version}`);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
