// A load second by second: what the load generator does, the replicas that come, and the samples that compare takes.

import { max, min, sum } from 'simple-statistics';
import type { Step } from '../../../loadtest/compare/place.ts';
import type { Row } from '../../files.ts';
import { rounded } from './draws.ts';
import type { Truth } from './options.ts';
import { cpuOf, drawSecond, failuresOf, type Load, type Phase, type Ready, type Second } from './second.ts';

/** Users that the load generator starts in a second. */
export const SPAWN_RATE = 20;
export const MOST_REPLICAS = 5;
/** What the autoscaler aims at for each replica: 80 % of the 100m that it requests, in cores. */
const AIM_CORES = 0.08;
const METRICS_SECONDS = 15;

interface Replica extends Ready {
  pod: string;
  /** CPU since its start. */
  cpuSeconds: number;
  loadedSeconds: number;
  /** Part of a second at which its counters are read. */
  offset: number;
}

interface Simulation {
  seconds: Second[];
  timeline: Row<'timeline'>[];
  pods: Row<'pods'>[];
  /** Unix time of the last sample. */
  end: number;
}

/** A load, and the samples that compare takes of the target meanwhile. */
export function simulate(load: Load, steps: Step[]): Simulation {
  const { draws, truth, experiment, target, isLocal, start } = load;
  const scales = experiment === 'autoscale';
  const phases = phasesOf(steps, load.settle);
  // Samples begin before the load generator's pod does, and end after it.
  const begin = start + 8;
  const end = begin + phases.length + 3;
  const tick = Math.floor(draws.uniform() * METRICS_SECONDS);
  const replicaSet = `f2c-${target}-${draws.hex(9)}`;
  const replicas: Replica[] = [];
  const create = (readyAt: number) => {
    const pod = isLocal ? 'process-4711' : `${replicaSet}-${draws.hex(5)}`;
    const appId = experiment === 'calibrate' ? 'static' : draws.uuid();
    replicas.push({ pod, appId, readyAt, cpuSeconds: 1, loadedSeconds: 0, offset: draws.uniform() });
  };
  create(start - METRICS_SECONDS);
  const [seconds, timeline, pods]: [Second[], Row<'timeline'>[], Row<'pods'>[]] = [[], [], []];
  const used: number[] = [];
  // The metrics API knows nothing about a new replica at first.
  let metrics = { cpu_cores: scales ? null : 0, memory_bytes: scales ? null : truth.memoryIdleBytes };

  for (let time = start; time <= end; time++) {
    const ready = replicas.filter(({ readyAt }) => readyAt <= time);
    const phase = phases[time - begin];
    const second = phase && drawSecond(load, time, phase, ready);
    if (second) seconds.push(second);
    // No more than the requests need, so that CPU by requests is the truth.
    const cores = second ? (second.all.length * cpuOf(load, second.batch)) / 1e6 : 0;
    used.push(cores);
    const right = second ? second.all.length - failuresOf(second) : 0;
    for (const replica of ready) {
      const its = (cores * (second?.answers.get(replica.appId) ?? 0)) / max([1, right]);
      // The kubelet reads them every 10 s.
      const isRead = isLocal || time === start || time === end || (time + Math.floor(replica.offset * 10)) % 10 === 0;
      if (isRead) pods.push(podRow(truth, replica, time, its));
      replica.cpuSeconds += its;
      if (its > 0) replica.loadedSeconds++;
    }
    if (isLocal || (time % METRICS_SECONDS === tick && time - start >= METRICS_SECONDS)) {
      const mean = isLocal ? cores : sum(used.slice(-METRICS_SECONDS)) / METRICS_SECONDS;
      metrics = { cpu_cores: rounded(mean, 6), memory_bytes: sum(ready.map((replica) => memoryOf(truth, replica))) };
    }
    const timestamp_s = rounded(time + 0.2 + 0.1 * draws.uniform(), 3);
    timeline.push({ timestamp_s, desired_replicas: replicas.length, ready_replicas: ready.length, ...metrics });
    // The autoscaler looks some seconds after the metrics have come, tolerates a tenth, and in a load takes none away.
    const wanted = (metrics.cpu_cores ?? 0) / AIM_CORES;
    if (scales && time % METRICS_SECONDS === (tick + 5) % METRICS_SECONDS && wanted > 1.1 * ready.length) {
      const ofStart = () => time + Math.ceil(truth.coldStartMs / 1000 + 2 * draws.uniform());
      while (replicas.length < min([MOST_REPLICAS, Math.ceil(wanted)])) create(ofStart());
    }
  }
  return { seconds, timeline, pods: pods.sort((a, b) => a.timestamp_s - b.timestamp_s), end };
}

function phasesOf(steps: Step[], settle: number): Phase[] {
  const most = steps[0]?.users ?? 0;
  const starting = Array.from({ length: Math.ceil(most / SPAWN_RATE) }, (_, second) => {
    return { users: min([most, SPAWN_RATE * (second + 1)]), sends: undefined, step: undefined };
  });
  const running = steps.flatMap((sends, step) =>
    // A second more: the users go on until the next step begins.
    Array.from({ length: sends.seconds + 1 }, (_, second) => {
      const isMeasured = second >= settle && second < sends.seconds;
      return { users: sends.users, sends, step: isMeasured ? step : undefined };
    }),
  );
  return [...starting, ...running];
}

function podRow(truth: Truth, replica: Replica, time: number, cores: number): Row<'pods'> {
  const { pod, offset, cpuSeconds } = replica;
  const cpu_seconds = rounded(cpuSeconds + cores * offset, 9);
  return { timestamp_s: rounded(time + offset, 3), pod, cpu_seconds, memory_bytes: memoryOf(truth, replica) };
}

/** It grows under load, within a minute or so. */
function memoryOf({ memoryIdleBytes, memoryLoadedBytes }: Truth, { loadedSeconds }: Replica): number {
  return Math.round(memoryIdleBytes + (memoryLoadedBytes - memoryIdleBytes) * (1 - Math.exp(-loadedSeconds / 20)));
}
