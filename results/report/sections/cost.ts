// What the CPU of a million requests costs.

import { left, paragraph, right, type Block } from '../document.ts';
import { number, ratioWithInterval } from '../format.ts';
import type { Material, SectionDefinition } from './definition.ts';

export const cost: SectionDefinition = {
  title: 'Cost of a million requests',
  measured: { what: 'cost', experiment: 'latency' },
  blocks,
};

function blocks({ figures, sides, price: { dollarsPerHour, cpus } }: Material): Block[] | undefined {
  const cpu = figures.find(({ key }) => key === 'cpu_per_request_us');
  if (!cpu || cpu.why !== undefined) return undefined;
  const dollars = (microseconds: number) => (microseconds * dollarsPerHour) / (cpus * 3600);
  return [
    paragraph(
      `The price assumes a node of ${number(cpus)} CPUs for ${number(dollarsPerHour)} US dollars an hour, with every ` +
        'CPU busy; --node-price and --node-cpus set another one. Only the CPU of the target counts: memory, network ' +
        'and anything in front of the target are left out.',
    ),
    {
      kind: 'table',
      columns: [left('A million requests'), ...sides.map(({ label }) => right(label)), right('Ratio (95 % interval)')],
      rows: [
        ['CPU, s', ...cpu.values.map((estimate) => number(estimate?.value ?? NaN)), ratioWithInterval(cpu.ratio)],
        [
          'US dollars',
          ...cpu.values.map((estimate) => number(dollars(estimate?.value ?? NaN))),
          ratioWithInterval(cpu.ratio),
        ],
      ],
      source: `CPU per request · ${number(dollarsPerHour)} ÷ ${number(cpus)} ÷ 3600`,
    },
  ];
}
