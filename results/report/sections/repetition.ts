// How to measure the same again, and how to make the same report again.

import * as v from 'valibot';
import { paragraph, type Block } from '../document.ts';
import type { Material, SectionDefinition } from './section.ts';

export const repetition: SectionDefinition = { title: 'Repeat it', blocks };

/** Members of environment.json's `options` that are told here; runs of other versions may lack them. */
const optionsSchema = v.object({ arguments: v.fallback(v.array(v.string()), []) });

function blocks({ targets: [{ measurements }], price: { dollarsPerHour, cpus }, choice }: Material): Block[] {
  const { name, checksum, environment } = measurements;
  const { arguments: given } = v.parse(optionsSchema, environment.options);
  const options = given.length > 0 ? ` -- ${given.map(quoted).join(' ')}` : '';
  const { git, mode } = environment;
  const measure = [...(git ? [`git checkout ${git.commit}`] : []), 'npm ci', `npm run compare${options}`];
  const report = [
    `npm run report -- results/${name} --node-price ${dollarsPerHour} --node-cpus ${cpus}`,
    ...(choice.targets ? [`--targets ${choice.targets.join(',')}`] : []),
    ...(choice.baseline === undefined ? [] : [`--baseline ${choice.baseline}`]),
  ].join(' ');
  return [
    paragraph(
      (mode === 'cluster' ? 'With the images in the cluster, as README.md explains, these' : 'These') +
        ' commands measure the same again:' +
        (git?.dirty ? ' (Files differed from this commit when the run was made.)' : ''),
    ),
    { kind: 'code', text: measure.join('\n') },
    paragraph('This command makes this report again, to the same bytes, from the files of the run:'),
    { kind: 'code', text: report },
    paragraph(`Those files have the SHA-256 ${checksum}; results/README.md says how to work it out.`),
  ];
}

function quoted(argument: string): string {
  return /^[\w.,:/=@+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}
