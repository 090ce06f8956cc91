// What the charts themselves ask of a cluster: a version of Kubernetes, an architecture, and nodes that are large enough.

import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { Failure } from '../lib/failure.ts';
import type { Kubernetes } from '../lib/kubernetes/api.ts';
import type { Node } from '../lib/kubernetes/objects.ts';
import { isSelected, needsOf, roomOn, type Manifest } from '../lib/kubernetes/room.ts';
import { CHARTS, RELEASES, ROOT, type Chart } from '../lib/project.ts';
import type { Shell } from '../lib/shell.ts';
import { list } from './images.ts';

/** The architecture of the images, which TensorFlow Serving is released for. */
const ARCHITECTURE = 'amd64';

/**
 * Checks that each chart installs on this version of Kubernetes, and that a node may take its pods.
 * @param shell of a connection
 * @throws Failure that names the chart, what it asks for, and what the nodes have
 */
export async function checkCharts(api: Kubernetes, shell: Shell, nodes: readonly Node[]): Promise<void> {
  const { gitVersion } = await api.get<{ gitVersion: string }>('/version');
  const rooms = nodes.map((node) => roomOn(node, []));
  for (const chart of Object.keys(CHARTS) as Chart[]) {
    // Helm itself refuses a version that is too old, and says which one the chart asks for.
    const args = ['template', RELEASES[chart], join(ROOT, CHARTS[chart]), '--kube-version', gitVersion];
    const objects = parseAllDocuments(await shell.run('helm', args)).map((each) => each.toJS() as Manifest | null);
    for (const { cpu, memory, selector } of needsOf(chart, objects)) {
      const selected = rooms.filter(({ node }) => isSelected({ selector }, node));
      if (selected.length === 0) {
        const asked = Object.entries(selector).map(([name, value]) => `${name}=${value}`);
        const have = nodes.map((node) => `${node.metadata.name} has ${describeLabels(node, Object.keys(selector))}`);
        throw new Failure(
          `No node can run ${RELEASES[chart]}: its chart asks for ${asked.join(' and ')}. Use a cluster, or add a node, ` +
            'that has it.',
          have.join('\n'),
        );
      }
      if (!selected.some((room) => room.cpu >= cpu && room.memory >= memory)) {
        const have = selected.map(
          (room) => `${room.node.metadata.name} has ${room.cpu} CPUs and ${mebibytes(room.memory)}`,
        );
        throw new Failure(
          `No node is large enough for ${RELEASES[chart]}: a pod of its chart requests ${cpu} CPUs and ` +
            `${mebibytes(memory)}. Use larger nodes, or lower its \`resources.requests\`.`,
          have.join('\n'),
        );
      }
    }
  }
}

/**
 * @returns the options with which `npm run compare` keeps the pods off nodes on which the images can't run, with a sentence
 * that names these nodes; none where there are no such nodes
 */
export function awayFromOthers(nodes: readonly Node[]): { options: string[]; sentence?: string } {
  const others = nodes.filter(({ status }) => status.nodeInfo.architecture !== ARCHITECTURE);
  if (others.length === 0) return { options: [] };
  const names = others.map(({ metadata, status }) => `${metadata.name} (${status.nodeInfo.architecture})`);
  return {
    options: (['function', 'loadtest'] as const).map(
      (chart) => `--set '${chart}.nodeSelector.kubernetes\\.io/arch=${ARCHITECTURE}'`,
    ),
    sentence: `The images are for ${ARCHITECTURE} and can't run on ${list(names)}: the options below keep their pods away.`,
  };
}

function describeLabels({ metadata: { labels = {} } }: Node, names: readonly string[]): string {
  return names.map((name) => `${name}=${labels[name] ?? '(not set)'}`).join(' and ');
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
