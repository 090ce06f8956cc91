// Objects of Kubernetes, as far as this project reads them.

import type { Ending } from '../exit-reason.ts';

export interface Pod {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    labels?: Record<string, string>;
    creationTimestamp: string;
    deletionTimestamp?: string;
  };
  spec: {
    nodeName?: string;
    containers: {
      name: string;
      image: string;
      resources: Resources;
      ports?: { name?: string; containerPort: number }[];
    }[];
  };
  status: {
    phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    reason?: string;
    message?: string;
    podIP?: string;
    conditions?: { type: string; status: string; lastTransitionTime: string; reason?: string; message?: string }[];
    containerStatuses?: {
      name: string;
      imageID: string;
      restartCount: number;
      state: { waiting?: { reason: string; message?: string }; terminated?: Ending };
      /** The state before the last restart. */
      lastState?: { terminated?: Ending };
    }[];
  };
}

/** Returns the container of a name, or its state, or its usage. A service mesh may put others before and beside it. */
export function byName<T extends { name: string }>(containers: readonly T[] | undefined, name: string): T | undefined {
  return containers?.find((each) => each.name === name);
}

export interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

export interface Node {
  metadata: { name: string; labels?: Record<string, string> };
  spec?: { providerID?: string; unschedulable?: boolean; taints?: { effect: string }[] };
  status: {
    allocatable: Record<string, string>;
    capacity: Record<string, string>;
    images?: { names?: string[] | null; sizeBytes?: number }[];
    conditions?: { type: string; status: string; message?: string }[];
    nodeInfo: Record<
      'kernelVersion' | 'osImage' | 'containerRuntimeVersion' | 'kubeletVersion' | 'architecture',
      string
    >;
  };
}

/** Whether a node takes pods of the charts, which tolerate no taints by default. */
export function takesPods({ spec }: Node): boolean {
  return !spec?.unschedulable && !spec?.taints?.some(({ effect }) => effect !== 'PreferNoSchedule');
}

export interface Deployment {
  metadata: { generation: number };
  spec: { replicas: number };
  status: { observedGeneration?: number; replicas?: number; updatedReplicas?: number; readyReplicas?: number };
}

/** What happened to an object. */
export interface Event {
  reason: string;
  message?: string;
  involvedObject: { name: string };
}

export interface List<T> {
  items: T[];
}
