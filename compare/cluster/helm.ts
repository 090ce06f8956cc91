// Runs Helm, which renders charts and installs them.

import { resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ROOT } from '../../lib/project.ts';
import type { Shell } from '../../lib/shell.ts';
import type { Release, Values } from './objects.ts';
import type { ClusterSession } from './session.ts';

/**
 * Installs a chart, or upgrades it.
 * @param values come after the user's, so that the experiment gets what it needs
 * @param file is read before the user's values; for those that are too long for a command line
 */
export async function installRelease(
  session: ClusterSession,
  release: Release,
  values: Values = {},
  file: Values = {},
): Promise<void> {
  const { shell, upgradeOptions } = session;
  const args = ['upgrade', '--install', ...upgradeOptions, ...argumentsOf(session, release), ...setting(values)];
  await shell.run('helm', [...args, '--values', '-'], { input: JSON.stringify(file) });
}

/** From version 4 on, Helm has to be told that it may take the replicas back from an autoscaler. */
export async function optionsOfHelm(shell: Shell): Promise<string[]> {
  const [, major] = /^v(\d+)\./.exec(await shell.run('helm', ['version', '--short'])) ?? [];
  return Number(major) >= 4 ? ['--force-conflicts'] : [];
}

/** Renders the objects of a chart. */
export async function render(session: ClusterSession, release: Release, ...more: string[]): Promise<unknown[]> {
  const text = await session.shell.run('helm', ['template', ...argumentsOf(session, release), ...more]);
  return parseAllDocuments(text)
    .map((each) => each.toJS() as unknown)
    .filter((each) => each !== null);
}

/** Returns the version and all values of an installed chart, or undefined if the chart is not installed. */
export async function installedChart(
  { name, shell }: ClusterSession,
  release: Release,
): Promise<{ version: string; values: Record<string, unknown> } | undefined> {
  const inNamespace = ['--namespace', name, '--output', 'json'];
  const filter = ['--filter', `^${release.name}$`];
  const [installed] = JSON.parse(await shell.run('helm', ['list', ...filter, ...inNamespace])) as { chart: string }[];
  if (!installed) return undefined;
  const values = await shell.run('helm', ['get', 'values', release.name, '--all', ...inNamespace]);
  const version = installed.chart.replace(/^.*-(?=\d+\.\d+\.\d+)/, '');
  return { version, values: JSON.parse(values) as Record<string, unknown> };
}

/** Returns Helm's arguments for a release, with the values that the user gave. */
function argumentsOf({ name, settings }: ClusterSession, { key, name: release, path, values, set }: Release): string[] {
  const files = [...values, ...(settings.values[key] ?? [])].flatMap((file) => ['--values', file]);
  const given = (settings.set[key] ?? []).flatMap((value) => ['--set', value]);
  return [release, resolve(ROOT, path), '--namespace', name, ...files, ...setting(set), ...given];
}

function setting(values: Values): string[] {
  return Object.entries(values).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]);
}
