// What is read of a target while it is loaded. The counters are made up, in the form of a kubelet's answer.

import { expect, test } from 'vitest';
import { throttlingOf } from '../cluster/samples.ts';

const labels = (container: string, namespace: string, pod: string) =>
  `container="${container}",id="/kubepods/x",image="i",name="n",namespace="${namespace}",pod="${pod}"`;

test('throttled periods are read from the pods of one namespace, not from their containers', () => {
  const text = [
    '# HELP container_cpu_cfs_periods_total Number of elapsed enforcement period intervals.',
    '# TYPE container_cpu_cfs_periods_total counter',
    `container_cpu_cfs_periods_total{${labels('', 'f2c', 'a')}} 394 1764000000500`,
    `container_cpu_cfs_periods_total{${labels('function', 'f2c', 'a')}} 307 1764000000300`,
    `container_cpu_cfs_periods_total{${labels('', 'other', 'b')}} 7 1764000000500`,
    `container_cpu_cfs_throttled_periods_total{${labels('', 'f2c', 'a')}} 392 1764000000500`,
    `container_cpu_cfs_throttled_periods_total{${labels('function', 'f2c', 'a')}} 186 1764000000300`,
    `container_cpu_cfs_throttled_seconds_total{${labels('', 'f2c', 'a')}} 34.4 1764000000500`,
    '',
  ].join('\n');
  expect(throttlingOf(text, 'f2c')).toEqual([
    { timestamp_s: 1764000000.5, pod: 'a', periods: 394, throttled_periods: 392 },
  ]);
});

test('a pod without a limit has no row', () => expect(throttlingOf('', 'f2c')).toEqual([]));
