// The record: what the load generator gets, in JSON, to ask targets and to check their answers.

import type { Interface } from '../../results/files.ts';
import type { Recordings } from './bare-server.ts';
import { interfaceOf, type Comparison, type InterfaceRecord } from './comparison.ts';

/** The record of all targets. */
export function recordOf({ cases, interfaces }: Comparison): string {
  return format(
    cases,
    [...interfaces].map(([target, { record }]) => [target, record]),
  );
}

/** The record of one target, with the descriptors that its server told, which a bare server can't. */
export function recordFor(comparison: Comparison, target: Interface, recordings: Recordings): string {
  const { record } = interfaceOf(comparison, target);
  const descriptors = recordings.get(target)?.descriptors;
  return format(comparison.cases, [[target, descriptors ? { ...record, descriptors } : record]]);
}

function format(cases: Comparison['cases'], records: readonly (readonly [Interface, InterfaceRecord])[]): string {
  const columns = Object.entries(cases).map(([name, values]) => `${JSON.stringify(name)}:[${values.join(',')}]`);
  return `{"cases":{${columns.join(',')}},"targets":${JSON.stringify(Object.fromEntries(records))}}`;
}
