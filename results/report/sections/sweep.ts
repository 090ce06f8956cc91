// From idle to saturation: latency against the rate, and what a request takes at rates below the bound.

import { mean } from 'simple-statistics';
import { stepsAbout } from '../../sweep.ts';
import { cpuLimit, duration } from '../conditions.ts';
import { nameCell, ratioCell } from '../cells.ts';
import { isMostlyGenerator } from '../decide-winner.ts';
import { left, ofTarget, paragraph, right, type Block, type Cell } from '../document.ts';
import type { Figure, NoiseFloors } from '../figures.ts';
import { ABSENT, number, percent, valueWithBound, words } from '../format.ts';
import { throttledShare, type Part } from '../measurements.ts';
import { sweepPicture } from '../sweep-chart.ts';
import { baselineRate, boundInWords, boundsOf, SHARES } from '../sweep-figures.ts';
import { labelsOf, measuredTwice, trialsOfEach, trialsThatCount } from '../targets.ts';
import type { Material, SectionDefinition } from './section.ts';

export const sweep: SectionDefinition = {
  title: 'From idle to saturation',
  measured: { what: 'the rate within a latency', experiment: 'sweep' },
  blocks,
};

async function blocks({ targets, figures, noise }: Material): Promise<Block[] | undefined> {
  const trials = trialsThatCount(targets, 'sweep');
  const picture = await sweepPicture(targets);
  const [bound] = boundsOf(targets[0]);
  if (!trials || !picture || !bound) return undefined;
  const groups = SHARES.map((share) => ({
    share,
    rate: share.share * baselineRate(targets),
    figures: figures.filter(({ key }) => key.endsWith(`_at_${share.key}`)),
  }));
  const ofGenerator = groups.flatMap((group) =>
    group.figures.flatMap((figure) =>
      targets.flatMap(({ name }, index) => (isMostlyGenerator(figure, index) ? `${figure.name} of ${name}` : [])),
    ),
  );
  const twice = measuredTwice(targets[0].measurements);
  const isNoiseKnown = Object.keys(noise).length > 0;
  const [baseline, ...others] = targets;
  return [
    paragraph(
      `${trialsOfEach(targets, trials)}, of one replica ${cpuLimit(targets, 'sweep')}, asked at rising rates, each ` +
        `${duration(baseline.measurements, 'sweep')}, up to the first that it doesn’t sustain.`,
    ),
    picture,
    paragraph(
      `The table tells what a request takes at ${words(SHARES.map(({ name }) => name))} of the rate at which ` +
        `${baseline.name} is within ${boundInWords(bound)}.` +
        (ofGenerator.length > 0 ? ` Mostly the load generator’s own: ${words(ofGenerator)}.` : ''),
    ),
    {
      kind: 'table',
      values: targets.length,
      columns: [
        left('One replica'),
        ...labelsOf(targets).map(ofTarget),
        ...others.map(({ label }, index) =>
          ofTarget(`${index === 0 ? `${baseline.label} ` : ''}÷ ${label} (95 %)`, index + 1),
        ),
        ...(isNoiseKnown ? [right('Noise')] : []),
      ],
      rows: groups.flatMap(({ share, rate, figures }) => {
        const row = (cells: Cell[]) => [...cells, ...Array<Cell>(2 * targets.length - cells.length).fill('')];
        const withNoise = (cells: Cell[], text = '') => (isNoiseKnown ? [...row(cells), text] : row(cells));
        return [
          withNoise([`At ${rate > 0 ? `${number(rate)}/s, ` : ''}${share.name} of it`]),
          ...figures.flatMap((figure) => [
            withNoise(rowOf(figure, noise), noiseInWords(noise, figure)),
            ...(figure.bare.some((value) => value !== undefined)
              ? [withNoise(['– the generator’s part', ...figure.bare.map((value = NaN) => number(value))])]
              : []),
          ]),
          ...throttledRow(trials, rate).map((cells) => withNoise(cells)),
        ];
      }),
      source:
        'the files and columns that summary.csv names for each. The generator’s part is that of a bare server that only ' +
        'answers' +
        (twice && isNoiseKnown ? `. Noise: what ${twice[0].name} and the same again differ by, at 95 %` : ''),
    },
  ];
}

/** What is the same in all rows of a rate is left out of the name. */
function rowOf(figure: Figure, noise: NoiseFloors): Cell[] {
  return [
    nameCell({ ...figure, name: figure.name.replace(/ at .*/, '') }),
    ...figure.values.map(valueWithBound),
    ...figure.comparisons.map((comparison) => ratioCell(figure, comparison, noise[figure.key])),
  ];
}

function noiseInWords(noise: NoiseFloors, { key }: Figure): string {
  const floor = noise[key];
  return floor === undefined ? ABSENT : percent(floor - 1);
}

/** The share of CPU periods in which the kernel stopped each target at its limit, about a rate; none where not known. */
function throttledRow(trials: readonly Part[][], rate: number): Cell[][] {
  const shares = trials.map((parts) => {
    const known = parts.flatMap((part) => {
      const steps = stepsAbout(part.read('steps'), rate);
      return (steps.length > 0 ? throttledShare(part, steps) : undefined) ?? [];
    });
    return known.length > 0 ? mean(known) : undefined;
  });
  return shares.some((known) => known !== undefined) ? [['CPU periods throttled', ...shares.map(percent)]] : [];
}
