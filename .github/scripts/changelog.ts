// Reads and writes the sections of CHANGELOG.md. `npm run notes -- vX.Y.Z` prints the notes for a release on GitHub.

import { readFileSync } from 'node:fs';
import packageJson from '../../package.json' with { type: 'json' };
import { candidatesOf } from './release/versions.ts';

const UNRELEASED = 'Unreleased';

/**
 * Moves the unreleased entries under a version. A final version also takes what its candidates have brought: people who
 * come from the last final version read it once, in one place.
 *
 * @throws with a sentence if there are none, or the changelog already has the version
 */
export function release(changelog: string, version: string, date: string): string {
  const [title = '', ...sections] = changelog.split(/^(?=## )/m);
  if (sections.some((text) => nameOf(text) === version)) throw new Error(`CHANGELOG.md tells of ${version} already.`);
  const candidates = candidatesOf(version, sections.map(nameOf));
  const taken = sections.filter((text) => [UNRELEASED, ...candidates].includes(nameOf(text)));
  const entries = together(taken.map(bodyOf).reverse());
  if (!entries) {
    throw new Error('CHANGELOG.md has nothing under "Unreleased": write there what this version is for its users.');
  }
  const others = sections.filter((text) => !taken.includes(text));
  const made = [`## ${UNRELEASED}\n\n`, `## ${version} - ${date}\n\n${entries}\n${others.length > 0 ? '\n' : ''}`];
  return [title, ...made, ...others].join('');
}

/** Puts the entries of several sections under one heading of each kind, such as `### Added`. */
function together(texts: string[]): string {
  const kinds = new Map<string, string[]>();
  for (const part of texts.flatMap((text) => text.split(/^(?=### )/m)).filter(Boolean)) {
    const [, heading = '', entries = ''] = /^(### .*\n)?([^]*)$/.exec(part) ?? [];
    kinds.set(heading, [...(kinds.get(heading) ?? []), entries.trim()]);
  }
  return [...kinds].map(([heading, entries]) => `${heading && `${heading}\n`}${entries.join('\n')}`).join('\n\n');
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
  const found = changelog.split(/^(?=## )/m).find((text) => nameOf(text) === name);
  return found === undefined ? undefined : bodyOf(found);
}

function nameOf(section: string): string {
  return /^## (\S+)/.exec(section)?.[1] ?? '';
}

function bodyOf(section: string): string {
  return section.slice(section.indexOf('\n')).trim();
}

if (import.meta.main) {
  try {
    console.log(notesOf(readFileSync('CHANGELOG.md', 'utf8'), process.argv[2] ?? '', packageJson.version));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
