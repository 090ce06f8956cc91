// Which tags a version gets, and whether a branch may have it.

import { gte, major, minor, prerelease, rcompare, valid } from 'semver';

/**
 * The tags that follow a version from one release to the next: `X.Y`, `X` (from 1.0 on) and `latest`. A version gets
 * those for which no higher one is published. A candidate, such as 1.2.3-rc.1, gets none.
 *
 * @param published all tags that an image has
 */
export function movingTags(version: string, published: string[]): string[] {
  if (prerelease(version)) return [];
  const finals = published.filter((tag) => valid(tag) === tag && !prerelease(tag));
  const isHighest = (of: (other: string) => boolean) => finals.filter(of).every((other) => gte(version, other));
  const [x, y] = [major(version), minor(version)];
  return [
    ...(isHighest((other) => major(other) === x && minor(other) === y) ? [`${x}.${y}`] : []),
    ...(x > 0 && isHighest((other) => major(other) === x) ? [`${x}`] : []),
    ...(isHighest(() => true) ? ['latest'] : []),
  ];
}

/** Whether commits of a branch may be released as a version: `main`, or `1.x` or `1.4.x` for a backport to them. */
export function mayRelease(version: string, branch: string): boolean {
  return ['main', `${major(version)}.x`, `${major(version)}.${minor(version)}.x`].includes(branch);
}

/** The candidates of a version in a list of versions, the newest first. */
export function candidatesOf(version: string, versions: string[]): string[] {
  if (prerelease(version)) return [];
  return versions
    .filter((other) => valid(other) && prerelease(other) && other.split('-', 1)[0] === version)
    .sort(rcompare);
}
