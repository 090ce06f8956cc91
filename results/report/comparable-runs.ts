// Whether two runs may be compared: where their environments differ, their figures would differ for that alone.

import { isDeepStrictEqual } from 'node:util';
import type { Environment } from '../files.ts';
import { ResultsError } from '../read.ts';
import { words } from './format.ts';
import type { Measurements } from './measurements.ts';

const CONDITIONS: Record<string, (environment: Environment) => unknown> = {
  place: ({ mode }) => mode,
  'version of Kubernetes': ({ kubernetes }) => kubernetes?.version,
  nodes: ({ kubernetes }) => kubernetes?.nodes.map((node) => ({ ...node, name: '' })),
  machine: ({ machine }) => machine,
  resources: ({ servers }) => Object.entries(servers).map(([server, { resources }]) => ({ server, resources })),
  'time that was measured': ({ quick }) => quick,
};

/** @throws ResultsError that says in what two runs differ */
export function checkComparable(one: Measurements, other: Measurements): void {
  const differences = Object.entries(CONDITIONS).flatMap(([name, tell]) =>
    isDeepStrictEqual(tell(one.environment), tell(other.environment)) ? [] : name,
  );
  if (differences.length === 0) return;
  throw new ResultsError(
    `${one.folder} and ${other.folder} differ in ${words(differences)} (environment.json), so that their figures would ` +
      'differ for that alone; --allow-unlike compares them all the same.',
  );
}
