// Reads and writes the sections of CHANGELOG.md. `npm run notes -- vX.Y.Z` prints the notes for a release on GitHub.

import { readFileSync } from 'node:fs';
import packageJson from '../../package.json' with { type: 'json' };

const UNRELEASED = '## Unreleased\n';

/**
 * Moves the unreleased entries under a version.
 * @throws with a sentence if there are none, or the changelog already has the version
 */
export function release(changelog: string, version: string, date: string): string {
  if (section(changelog, version) !== undefined) throw new Error(`CHANGELOG.md tells of ${version} already.`);
  if (!section(changelog, 'Unreleased')) {
    throw new Error('CHANGELOG.md has nothing under "Unreleased": write there what this version is for its users.');
  }
  return changelog.replace(UNRELEASED, `${UNRELEASED}\n## ${version} - ${date}\n`);
}

/**
 * Returns what the changelog says about the version of a tag.
 * @throws with a sentence if the tag does not belong to this commit
 */
export function notesOf(changelog: string, tag: string, version: string): string {
  if (tag !== `v${version}`) {
    throw new Error(`The tag ${tag} is on a commit of version ${version}: tag the one that npm version was run for.`);
  }
  const notes = section(changelog, version);
  if (!notes) throw new Error(`CHANGELOG.md says nothing of ${version}: npm version writes its section.`);
  return notes;
}

/** Returns the text under a heading such as `## 1.2.3 - 2026-01-31`, if there is one. */
function section(changelog: string, name: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1);
  const found = sections.find((text) => text.split(/\s/, 1)[0] === name);
  return found?.slice(found.indexOf('\n')).trim();
}

if (import.meta.main) {
  try {
    console.log(notesOf(readFileSync('CHANGELOG.md', 'utf8'), process.argv[2] ?? '', packageJson.version));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
