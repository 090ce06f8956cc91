// Time to the first right answer: of a new pod, and on Knative from zero pods.

import { median } from 'simple-statistics';
import type { Row } from '../../files.ts';
import { left, ofTarget, paragraph, right, type Block, type Picture } from '../document.ts';
import { measuredOnce } from '../figures.ts';
import { lowerFirst, number, upperFirst } from '../format.ts';
import { startsOf, zeroStartsOf } from '../measurements.ts';
import { forEachTarget, labelsOf, representativeOf, type Target, type Targets } from '../targets.ts';
import { draw, numbers, TARGET, byPoint, wide, withoutLegend } from '../vega.ts';
import type { Material, SectionDefinition } from './section.ts';

export const coldStart: SectionDefinition = {
  title: 'Cold start',
  measured: { what: 'cold start', experiment: 'coldstart' },
  blocks,
};

async function blocks({ targets }: Material): Promise<Block[] | undefined> {
  const measured = targets.map((target) => ({ target, label: target.label, starts: startsOf(target) }));
  const columns = measured.filter(({ starts }) => starts.length > 0);
  const shared = measured.flatMap(({ target, starts }) => {
    const other = representativeOf(target, targets);
    return other && starts.length === 0
      ? paragraph(`${upperFirst(target.name)}: ${lowerFirst(measuredOnce(other))}`)
      : [];
  });
  if (columns[0]?.target !== targets[0] || (targets.length > 1 && columns.length === 1)) return undefined;
  const source = 'coldstart/1/<target>_coldstarts.csv: first_answer_ms. The node had the images already';
  return [
    await coldStarts(
      measured.map(({ starts }) => starts),
      targets,
    ),
    startTable(columns, source),
    ...shared,
    ...columns.flatMap(({ target, starts }) => fromZero(target, starts)),
  ];
}

/** Compares a target on Knative from zero pods with a new pod of it; empty if it was not measured. */
function fromZero(target: Target, plain: readonly Row<'coldstarts'>[]): Block[] {
  const starts = zeroStartsOf(target);
  if (starts.length === 0) return [];
  const columns = [
    { label: `${target.label} on Knative, from no pod`, starts },
    { label: `${target.label}, a new pod`, starts: plain },
  ];
  return [
    paragraph(
      'On Knative no pod runs while nobody asks. The first request waits at Knative’s activator until a pod is ' +
        'ready: its time counts from the request, and that of a new pod from the pod’s creation.',
    ),
    startTable(
      columns,
      'scale-from-zero/1/<target>_zerostarts.csv and coldstart/1/<target>_coldstarts.csv: first_answer_ms',
    ),
  ];
}

function startTable(
  columns: readonly { label: string; starts: readonly { first_answer_ms: number }[] }[],
  source: string,
): Block {
  const row = (name: string, tell: (times: number[]) => number) => [
    name,
    ...columns.map(({ starts }) => number(tell(starts.map(({ first_answer_ms }) => first_answer_ms)) / 1000)),
  ];
  return {
    kind: 'table',
    columns: [left('First right answer, s'), ...columns.map(({ label }, index) => ofTarget(label, index))],
    rows: [
      ['Starts', ...columns.map(({ starts }) => number(starts.length))],
      row('Quickest', (times) => Math.min(...times)),
      row('Median', median),
      row('Slowest', (times) => Math.max(...times)),
    ],
    source,
  };
}

/** Each start is a dot, so that nobody has to trust a mean. */
async function coldStarts(starts: readonly Row<'coldstarts'>[][], targets: Targets): Promise<Picture> {
  const rows = forEachTarget(targets, starts, (ofTarget, target) =>
    ofTarget.map(({ start, first_answer_ms }) => ({ target, start, seconds: first_answer_ms / 1000 })),
  );
  const x = numbers('seconds', 'seconds from the creation of the pod to its first right answer', {
    scale: { zero: true },
  });
  const y = { ...TARGET, axis: { title: null }, sort: labelsOf(targets) };
  const svg = await draw(
    rows,
    wide({
      height: Math.max(110, 24 * targets.length),
      layer: [
        { mark: { type: 'point', opacity: 0.6 }, encoding: { x, y, ...withoutLegend(byPoint(labelsOf(targets))) } },
        {
          mark: { type: 'tick', thickness: 2, size: 30, color: '#111' },
          encoding: { x: { ...x, aggregate: 'median' }, y },
        },
      ],
    }),
  );
  return {
    kind: 'picture',
    svg,
    caption: 'Each start is a dot; the bars are the medians.',
    alt: 'The times of all starts as dots, in a row for each target.',
    values: {
      kind: 'table',
      columns: [left('Target'), right('start'), right('seconds')],
      rows: rows.map(({ target, start, seconds }) => [target, number(start), number(seconds)]),
      source: 'coldstart/1/<target>_coldstarts.csv: first_answer_ms',
    },
  };
}
