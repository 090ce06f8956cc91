// The environment.json of a SYNTHETIC run: machines, charts and images that never were.

import { createHash } from 'node:crypto';
import type { Environment, Target } from '../../files.ts';
import { MOST_REPLICAS } from './load.ts';
import { CPU_LIMIT, type Synthetic } from './options.ts';

/** What only shows when a run has been made. */
type Outcome = Pick<Environment, 'started' | 'ended' | 'options' | 'ceiling' | 'verdicts'>;

export function environmentOf(synthetic: Synthetic, outcome: Outcome): Environment {
  const { mode, quick, seed, targets, truths } = synthetic;
  const isLocal = mode === 'local';
  const images = targets
    .filter((target) => hasImage(mode, target))
    .map((target) => image(target, truths[target].imageBytes));
  return {
    synthetic: true,
    version: '0.1.0',
    started: outcome.started,
    ended: outcome.ended,
    mode,
    quick,
    interrupted: false,
    options: outcome.options,
    seed,
    git: { commit: '0'.repeat(40), dirty: false },
    machine: { cpuModel: 'Synthetic CPU', cpus: 4, memoryBytes: 16e9, kernel: '6.12.0', os: 'Linux' },
    ...(isLocal ? ON_ONE_MACHINE : inCluster(targets)),
    images: Object.fromEntries([...images, ...(isLocal ? [] : [image('loadtest', 214e6)])]),
    ceiling: outcome.ceiling,
    verdicts: outcome.verdicts,
  };
}

/** Whether a target runs from an image: on one machine, the function is a process. */
export function hasImage(mode: Synthetic['mode'], target: Target): boolean {
  return mode !== 'local' || target === 'tfserving';
}

function image(name: string, sizeBytes: number) {
  const id = `sha256:${createHash('sha256').update(name).digest('hex')}`;
  return [`f2c-${name}`, { reference: `f2c-${name}:0.1.0`, id, sizeBytes }] as const;
}

const ON_ONE_MACHINE = {
  kubernetes: null,
  resources: {},
  charts: {},
  clock: { offsetSeconds: 0, of: 'this machine, where all of it ran' },
  leftOut: ['autoscale: on one machine without a cluster, nothing scales.'],
};

function inCluster(targets: readonly Target[]) {
  const resources = (request: string, limit: string) => ({
    requests: { cpu: request, memory: '512Mi' },
    limits: { cpu: limit, memory: '512Mi' },
  });
  const autoscaling = {
    enabled: false,
    minReplicas: 1,
    maxReplicas: MOST_REPLICAS,
    targetCPUUtilizationPercentage: 80,
  };
  const chart = {
    version: '0.1.0',
    values: { replicaCount: 1, autoscaling, resources: resources(CPU_LIMIT, CPU_LIMIT) },
  };
  const machine = { cpuModel: null, cpus: 4, memoryBytes: 16e9, kernel: '6.12.0', os: 'Debian GNU/Linux 13 (trixie)' };
  const node = { ...machine, containerRuntime: 'containerd://2.2.0', architecture: 'amd64' };
  return {
    kubernetes: { version: 'v1.35.0', nodes: ['node-1', 'node-2', 'node-3'].map((name) => ({ name, ...node })) },
    resources: Object.fromEntries(
      targets.flatMap((target) => [
        [`${target}/one`, resources(CPU_LIMIT, CPU_LIMIT)],
        [`${target}/auto`, resources('100m', '500m')],
      ]),
    ),
    charts: Object.fromEntries([...targets, 'loadtest'].map((name) => [`f2c-${name}`, chart])),
    clock: { offsetSeconds: 0.012, of: 'the API server, to a second' },
    leftOut: [],
  };
}
