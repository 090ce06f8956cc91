// What the CPU of a million requests costs.

import { left, paragraph, right, type Block } from '../document.ts';
import { number, ratioWithInterval } from '../format.ts';
import type { Material, SectionDefinition } from './section.ts';

export const cost: SectionDefinition = {
  title: 'Cost of a million requests',
  measured: { what: 'cost', experiment: 'latency' },
  blocks,
};

function blocks({ figures, targets, price: { dollarsPerHour, cpus } }: Material): Block[] | undefined {
  const cpu = figures.find(({ key }) => key === 'cpu_per_request_us');
  if (!cpu?.values[0]) return undefined;
  const dollars = (microseconds: number) => (microseconds * dollarsPerHour) / (cpus * 3600);
  const row = (name: string, worth: (microseconds: number) => number) => [
    name,
    ...cpu.values.flatMap((estimate, index) => [
      number(worth(estimate?.value ?? NaN)),
      ...(index > 0 ? [ratioWithInterval(cpu.comparisons[index - 1]?.ratio)] : []),
    ]),
  ];
  return [
    paragraph(
      `The price assumes a node of ${number(cpus)} CPUs for ${number(dollarsPerHour)} US dollars an hour, with every ` +
        'CPU busy; --node-price and --node-cpus set another one. Only the CPU of the target counts: memory, network ' +
        'and anything in front of the target are left out.',
    ),
    {
      kind: 'table',
      columns: [
        left('A million requests'),
        ...targets.flatMap(({ label }, index) => [
          right(label),
          ...(index > 0 ? [right('Ratio (95 % interval)')] : []),
        ]),
      ],
      rows: [row('CPU, s', (microseconds) => microseconds), row('US dollars', dollars)],
      source: `CPU per request · ${number(dollarsPerHour)} ÷ ${number(cpus)} ÷ 3600`,
    },
  ];
}
