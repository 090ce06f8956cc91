// Finds out before anything is installed whether the pods of each experiment fit on the nodes, by what they request.

import { max, sum } from 'simple-statistics';
import { takesPods, type Node, type Pod } from '../../lib/kubernetes/objects.ts';
import { quantity } from '../../lib/kubernetes/quantity.ts';
import { fit, needOf, roomOn, type Manifest, type Need, workloadsOf } from '../../lib/kubernetes/room.ts';
import type { Chart } from '../../lib/project.ts';
import type { Server } from '../../results/files.ts';
import type { Scaling } from '../place.ts';
import { SERVERS } from '../servers/index.ts';
import type { Settings } from '../settings.ts';
import { CORE_REQUEST } from './releases.ts';

/** Pods that must be there at the same time. */
interface Moment {
  when: string;
  pods: Need[];
}

export type Manifests = Readonly<Partial<Record<Chart, readonly (Manifest | null)[]>>>;

/** Returns a sentence for each experiment that does not fit, with the figures and with what to set. */
export function lackOfRoom(
  settings: Pick<Settings, 'experiments' | 'pace' | 'cpuLimit'>,
  servers: readonly Server[],
  manifests: Manifests,
  nodes: readonly Node[],
  pods: readonly Pod[],
): string[] {
  const free = nodes.map((node) => roomOn(node, pods));
  const momentsAt = (cpuLimit: number) => momentsOf(settings, servers, manifests, cpuLimit);
  const limit = quantity(settings.cpuLimit);
  const lacking = momentsAt(limit).filter((moment) => !fit(moment.pods, free));
  const byPods = Map.groupBy(lacking, (moment) => inWords(moment.pods));
  return [...byPods.values()].map((moments) => {
    const [{ pods: needed }] = moments as [Moment];
    const lower = lowerLimits(limit).find((each) =>
      momentsAt(each)
        .filter(({ when }) => moments.some((moment) => moment.when === when))
        .every((moment) => fit(moment.pods, free)),
    );
    const remedies = [
      ...(lower === undefined ? [] : [`give \`--cpu-limit ${Math.round(lower * 1000)}m\``]),
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
  servers: readonly Server[],
  manifests: Manifests,
  cpuLimit: number,
): Moment[] {
  const requests: Record<Scaling, number | undefined> = {
    one: cpuLimit,
    core: quantity(CORE_REQUEST),
    auto: undefined,
  };
  const podOf = (server: Server, scaling: Scaling) =>
    needOf(SERVERS[server].name, server, workloadsOf(manifests[server]).at(0), requests[scaling]);
  const all = (scaling: Scaling) => servers.map((server) => podOf(server, scaling));
  // The load generator may have workers, in a Job of their own.
  const generators = workloadsOf(manifests.loadtest).flatMap((job) =>
    Array.from({ length: job.spec?.parallelism ?? 1 }, () => needOf('the load generator', 'loadtest', job)),
  );
  const functionPod = workloadsOf(manifests.function).map((workload) => needOf('', 'function', workload));
  const bare = functionPod.map((pod) => ({ ...pod, what: 'the bare server' }));
  const knative = functionPod.map((pod) => ({ ...pod, what: 'the function on Knative', cpu: cpuLimit }));
  /** While a server's replica is replaced, the old one stays until the new one is ready. */
  const replaced = (scaling: Scaling) => [...all('one'), largest(all(scaling))];

  const moments: Record<string, Moment['pods'][]> = {
    calibrate: [[...all('one'), ...generators, ...bare]],
    capacity: [[...all('one'), ...generators]],
    batch: [[...all('one'), ...generators]],
    coldstart: [[...all('one'), ...generators]],
    autoscale: [replaced('auto')],
    latency: [replaced('core'), [...all('core'), ...generators, ...(pace.floor ? bare : [])]],
    noise: [replaced('core'), [...all('core'), ...generators]],
    'scale-from-zero': [[...all('one'), ...knative, ...bare]],
  };
  const atRest = experiments.flatMap((name) =>
    servers.length === 0 ? [] : (moments[name] ?? []).map((pods): Moment => ({ when: name, pods })),
  );
  if (!experiments.includes('autoscale')) return atRest;
  // Only the server that is loaded has more than one replica.
  const scaled = servers.map((server) => {
    const others = servers.filter((other) => other !== server).map((other) => podOf(other, 'one'));
    const replicas = manifests[server]?.find((object) => object?.kind === 'HorizontalPodAutoscaler')?.spec?.maxReplicas;
    const pods = Array.from({ length: replicas ?? 1 }, () => podOf(server, 'auto'));
    return {
      when: `autoscale with ${replicas ?? 1} replicas`,
      pods: [...pods, ...others, ...generators, ...(pace.floor ? bare : [])],
    };
  });
  return [...atRest, ...scaled];
}

function largest<T extends { cpu: number }>(all: readonly T[]): T {
  return all.reduce((most, each) => (each.cpu > most.cpu ? each : most));
}

/** Lower limits that are worth a try, in CPUs; with less than 50m, servers hardly start. */
function lowerLimits(limit: number): number[] {
  const steps = Math.max(0, Math.ceil(limit / 0.05) - 1);
  return Array.from({ length: steps }, (_, index) => 0.05 * (steps - index));
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
