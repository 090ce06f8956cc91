// What a million requests cost: within the bound, by what a replica reserves, and by the CPU that they use.

import { boundInWords, boundsOf } from '../sweep-figures.ts';
import { left, ofTarget, paragraph, type Block, type Cell } from '../document.ts';
import type { Figure } from '../figures.ts';
import { ABSENT, number, ratioWithInterval, valueWithBound } from '../format.ts';
import type { Material, SectionDefinition } from './section.ts';

export const cost: SectionDefinition = {
  title: 'Cost of a million requests',
  measured: { what: 'cost', experiment: 'sweep' },
  blocks,
};

function blocks({ figures, targets, price: { dollarsPerHour, cpus } }: Material): Block[] | undefined {
  const find = (...keys: string[]) => figures.find(({ key, values }) => keys.includes(key) && values[0]);
  const reserved = find('dollars_per_million');
  // The latter is of runs that were measured before the sweep.
  const used = find('cpu_per_request_us_at_half', 'cpu_per_request_us');
  if (!reserved && !used) return undefined;
  const [bound] = boundsOf(targets[0]);
  const row = (
    name: string,
    { values, comparisons }: Figure,
    tell: (value: number) => number = (value) => value,
  ): Cell[] => [
    name,
    ...values.flatMap((known, index) => [
      known ? valueWithBound({ ...known, value: tell(known.value) }) : ABSENT,
      ...(index > 0 ? [ratioWithInterval(comparisons[index - 1]?.ratio)] : []),
    ]),
  ];
  return [
    paragraph(
      `A node of ${number(cpus)} CPUs costs ${number(dollarsPerHour)} US dollars an hour; --node-price and --node-cpus ` +
        'set another price. ' +
        (reserved
          ? 'A replica reserves its CPU limit here, for the rate within the bound was measured with all of it. By its ' +
            'request, a node would promise the same CPU to several replicas, and no bound would hold once they are busy. '
          : '') +
        'Only the CPU of the target counts: memory, network and anything in front of the target are left out.',
    ),
    {
      kind: 'table',
      columns: [
        left('A million requests'),
        ...targets.flatMap(({ label }, index) => [
          ofTarget(label, index),
          ...(index > 0 ? [ofTarget('Ratio (95 %)', index)] : []),
        ]),
      ],
      rows: [
        ...(reserved && bound ? [row(`What they reserve within ${boundInWords(bound)}, US dollars`, reserved)] : []),
        ...(used
          ? [
              row(`${used.name}, µs (or s of a million)`, used),
              row('The CPU that they use, US dollars', used, (value) => (value * dollarsPerHour) / (cpus * 3600)),
            ]
          : []),
      ],
      source:
        (reserved
          ? `limit of CPU ÷ rate within the bound · ${number(dollarsPerHour)} ÷ ${number(cpus)} · 10⁶ ÷ 3600; `
          : '') + `CPU per request · ${number(dollarsPerHour)} ÷ ${number(cpus)} ÷ 3600`,
    },
  ];
}
