// Finds out before anything is installed whether the pods of each experiment fit on the nodes, by what they request.

import { max, sum } from 'simple-statistics';
import { takesPods, type Node, type Pod } from '../../lib/kubernetes/objects.ts';
import { fit, needOf, roomOn, type Manifest, type Need, workloadsOf } from '../../lib/kubernetes/room.ts';
import type { ExperimentName } from '../../results/files.ts';
import type { Settings } from '../settings.ts';

/** Pods that must be there at the same time. */
interface Moment {
  when: string;
  pods: Need[];
}

/** What runs, as Kubernetes' objects. */
export interface Manifests {
  /** With the most replicas that its autoscaler asks for. */
  servers: readonly { name: string; objects: readonly Manifest[]; most: number }[];
  generators: readonly Manifest[];
  /** Those of the function, in whose pods the bare server runs. */
  bareServer: readonly Manifest[];
}

/** Returns a sentence for each experiment that does not fit, with the figures and with what to set. */
export function lackOfRoom(
  settings: Pick<Settings, 'experiments' | 'pace'>,
  manifests: Manifests,
  nodes: readonly Node[],
  pods: readonly Pod[],
): string[] {
  const free = nodes.map((node) => roomOn(node, pods));
  const lacking = momentsOf(settings, manifests).filter((moment) => !fit(moment.pods, free));
  const byPods = Map.groupBy(lacking, (moment) => inWords(moment.pods));
  return [...byPods.values()].map((moments) => {
    const [{ pods: needed }] = moments as [Moment];
    const remedies = [
      'lower `resources.requests` of the charts by --set',
      'add a node',
      'name other experiments by --experiment',
    ];
    const usable = free.filter(({ node }) => takesPods(node));
    return (
      `${moments.map(({ when }) => when).join(', ')}: pods that request ${amounts(needed)} at the same time ` +
      `(${inWords(needed)}) do not fit on the nodes, where ${amounts(usable)} are free` +
      `${usable.length > 1 ? `, at most ${amounts([largest(usable)])} on one node` : ''}. ` +
      `Some of them will not start unless a node autoscaler adds a node: ${remedies.join(', or ')}.`
    );
  });
}

/** All times at which an experiment has the most pods. */
function momentsOf(
  { experiments, pace }: Pick<Settings, 'experiments' | 'pace'>,
  { servers, generators: jobs, bareServer }: Manifests,
): Moment[] {
  const podOf = ({ name, objects }: (typeof servers)[number]) => needOf(name, workloadsOf(objects).at(0));
  const replicas = servers.map(podOf);
  // The load generator may have workers, in a Job of their own.
  const generators = workloadsOf(jobs).flatMap((job) =>
    Array.from({ length: job.spec?.parallelism ?? 1 }, () => needOf('the load generator', job)),
  );
  const functionPod = workloadsOf(bareServer).map((workload) => needOf('', workload));
  const bare = functionPod.map((pod) => ({ ...pod, what: 'the bare server' }));
  const controls = pace.isThorough ? bare : [];
  const knative = functionPod.map((pod) => ({ ...pod, what: 'the function on Knative' }));

  const moments: Partial<Record<ExperimentName, Moment['pods']>> = {
    calibrate: [...replicas, ...generators, ...bare],
    sweep: [...replicas, ...generators, ...controls],
    batch: [...replicas, ...generators],
    coldstart: [...replicas, ...generators],
    'scale-from-zero': [...replicas, ...knative, ...bare],
  };
  const atRest = experiments.flatMap((when): Moment[] => {
    const pods = moments[when];
    return servers.length > 0 && pods ? [{ when, pods }] : [];
  });
  if (!experiments.includes('autoscale')) return atRest;
  // Only the server that is loaded has more than one replica.
  const scaled = servers.map((server) => {
    const others = servers.filter((other) => other !== server).map(podOf);
    const { most } = server;
    const pods = Array.from({ length: most }, () => podOf(server));
    return { when: `autoscale with ${most} replicas`, pods: [...pods, ...others, ...generators, ...controls] };
  });
  return [...atRest, ...scaled];
}

function largest<T extends { cpu: number }>(all: readonly T[]): T {
  return all.reduce((most, each) => (each.cpu > most.cpu ? each : most));
}

function amounts(all: readonly { cpu: number; memory: number }[]): string {
  const [cpu, memory] = [sum(all.map((each) => each.cpu)), sum(all.map((each) => each.memory))];
  return `${cpu.toFixed(2)} CPUs and ${(max([memory, 0]) / 2 ** 30).toFixed(2)} GiB`;
}

/** Such as `5 × the function 0.10, the load generator 0.50`. */
function inWords(pods: readonly Need[]): string {
  const same = Map.groupBy(pods, ({ what, cpu, selector }) => {
    const only = Object.entries(selector).map(([name, value]) => ` on nodes with ${name}=${value}`);
    return `${what} ${cpu.toFixed(2)}${only.join('')}`;
  });
  return [...same].map(([text, its]) => (its.length > 1 ? `${its.length} × ${text}` : text)).join(', ');
}
