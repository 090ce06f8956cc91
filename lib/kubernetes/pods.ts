// Says why pods do not run.

import { describeEnding } from '../exit-reason.ts';
import type { Event, Node, Pod } from './objects.ts';

/** How long a pod may take to run: another one may have to end before, or a node autoscaler adds a node. */
export const PATIENCE_SECONDS = 300;

/** Returns a sentence that says why a pod won't run, or undefined if all of them may. */
export function trouble(pods: readonly Pod[]): string | undefined {
  for (const { metadata, status } of pods) {
    const stuck = status.containerStatuses?.find(({ state }) => isFinal(state.waiting));
    if (stuck?.state.waiting) {
      const { reason, message = '' } = stuck.state.waiting;
      const before = stuck.lastState?.terminated;
      const ending = before ? `Its container ${stuck.name} ${describeEnding(before)}` : '';
      return [`The pod ${metadata.name} does not start: ${reason}.`, message, ending].filter(Boolean).join(' ');
    }
  }
  return undefined;
}

/**
 * Returns what keeps pods from running for now, as a sentence; undefined if nothing does.
 * @param events of the objects that make the pods
 */
export function obstacle(pods: readonly Pod[], events: readonly Event[] = []): string | undefined {
  for (const { metadata, status } of pods) {
    const unscheduled = status.conditions?.find(({ reason }) => reason === 'Unschedulable');
    if (unscheduled) return `No node takes the pod ${metadata.name}: ${unscheduled.message ?? 'unschedulable'}`;
  }
  const refused = pods.length === 0 ? events.find(({ reason }) => reason === 'FailedCreate') : undefined;
  return refused && `A pod can't be made: ${refused.message ?? 'no reason is known.'}`;
}

/** Returns a sentence for each node that does not tell how it is, as its kubelet has ended or can't be reached. */
export function lostNodes(nodes: readonly Node[]): string[] {
  return nodes.flatMap(({ metadata, status }) => {
    const ready = status.conditions?.find(({ type }) => type === 'Ready');
    if (!ready || ready.status === 'True') return [];
    return [`The node ${metadata.name} is not ready: ${ready.message ?? 'no reason is known.'}`];
  });
}

/** Whether a container waits for a reason that time alone does not remove. */
function isFinal(waiting?: { reason: string }): boolean {
  const reasons = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName'];
  return [...reasons, 'CreateContainerConfigError', 'CrashLoopBackOff'].includes(waiting?.reason ?? '');
}
