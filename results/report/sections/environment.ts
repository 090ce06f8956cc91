// Where it was measured, with which versions, and what the load generator can send there.

import type { Image } from '../../files.ts';
import { left, type Cell, type Table } from '../document.ts';
import { ABSENT, number } from '../format.ts';
import type { Measurements } from '../measurements.ts';
import type { SectionDefinition } from './section.ts';

export const environment: SectionDefinition = {
  title: 'Environment',
  blocks: ({ targets: [{ measurements }] }) => [environmentTable([measurements])],
};

type Node = NonNullable<Measurements['environment']['kubernetes']>['nodes'][number];

/** @param titles of the runs' columns, where there are several */
export function environmentTable(runs: readonly Measurements[], titles: readonly string[] = ['Value']): Table {
  const row = (what: string, tell: (environment: Measurements['environment']) => string): Cell[] => [
    what,
    ...runs.map((run) => tell(run.environment) || ABSENT),
  ];
  const nodes = (environment: Measurements['environment'], tell: (node: Node) => string) =>
    [...new Set(environment.kubernetes?.nodes.map(tell))].join('; ');
  const servers = [...new Set(runs.flatMap((run) => Object.keys(run.environment.servers)))];
  const scalings = ['one', 'auto', 'core'];
  const pairs = (values: Record<string, string>, between = ' ') =>
    Object.entries(values)
      .map((pair) => pair.join(between))
      .join(', ');
  return {
    kind: 'table',
    columns: [left('What'), ...titles.map(left)],
    rows: [
      row('Place', ({ mode }) => (mode === 'cluster' ? 'a Kubernetes cluster' : 'one machine, without a cluster')),
      row('Kubernetes', ({ kubernetes }) => kubernetes?.version ?? ''),
      row('Nodes', (environment) =>
        environment.kubernetes
          ? `${String(environment.kubernetes.nodes.length)}: ${nodes(environment, sizeInWords)}`
          : '',
      ),
      row('Kernel of the nodes', (environment) => nodes(environment, ({ kernel }) => kernel)),
      row('System of the nodes', (environment) => nodes(environment, ({ os }) => os)),
      row('Container runtime', (environment) => nodes(environment, ({ containerRuntime }) => containerRuntime)),
      row('CPU of the nodes', (environment) => nodes(environment, ({ cpuModel }) => cpuModel ?? 'not known')),
      row(
        'Machine of the command',
        ({ machine: { cpuModel, cpus, memoryBytes, os, kernel } }) =>
          `${cpuModel}, ${String(cpus)} CPUs, ${gib(memoryBytes)}, ${os} ${kernel}`,
      ),
      ...servers.flatMap((server) =>
        scalings.map((scaling) =>
          row(`Resources of ${server}, ${scaling}`, ({ servers: { [server]: known } }) => {
            // A container of Docker has limits only.
            return Object.entries(known?.resources[scaling] ?? {})
              .filter(([, quantities]) => Object.keys(quantities).length > 0)
              .map(([kind, quantities]) => `${kind} ${pairs(quantities)}`)
              .join('; ');
          }),
        ),
      ),
      ...servers.map((server) =>
        row(`Image of ${server}`, ({ servers: { [server]: known } }) => imageInWords(known?.image)),
      ),
      ...servers.map((server) =>
        row(`Settings of ${server}`, ({ servers: { [server]: known } }) => pairs(known?.settings ?? {}, ': ')),
      ),
      row('Image of the load generator', ({ loadGenerator }) => imageInWords(loadGenerator.image)),
      row('Commit', ({ git }) => (git ? `${git.commit}${git.dirty ? ', and files that differ from it' : ''}` : '')),
      row('Seed', ({ seed }) => String(seed)),
      row('Ceiling of the generator', ({ ceiling }) => (ceiling ? ceilingInWords(ceiling.requestsPerSecond) : '')),
      row('The same at a given rate', ({ ceiling }) => ceilingInWords(ceiling?.openRequestsPerSecond ?? {})),
      row('Highest rate offered', ({ ceiling }) => (ceiling ? `${number(ceiling.bound)} requests/s` : '')),
      row('Clock of the cluster', ({ clock }) =>
        clock.offsetSeconds === null ? '' : `${number(clock.offsetSeconds)} s ahead, by ${clock.of}`,
      ),
    ].filter(([, ...cells]) => cells.some((cell) => cell !== ABSENT)),
    source: 'environment.json',
  };
}

function sizeInWords({ cpus, memoryBytes, architecture }: Node): string {
  return `${number(cpus)} CPUs, ${gib(memoryBytes)}, ${architecture}`;
}

function imageInWords(image?: Image | null): string {
  return image ? `${image.reference} ${image.id}` : '';
}

function gib(bytes: number): string {
  return `${number(Math.round((bytes / 2 ** 30) * 10) / 10)} GiB`;
}

/** @param rates requests/s by target */
function ceilingInWords(rates: Readonly<Record<string, number>>): string {
  return Object.entries(rates)
    .map(([target, rate]) => `${target} ${number(rate)} requests/s`)
    .join(', ');
}
