// Times the first answer of the baseline's server on Knative, when no pod of it runs.

import type { Row } from '../../results/files.ts';
import { csv } from '../run/files.ts';
import { interfaceOf } from '../servers/comparison.ts';
import type { Experiment } from './experiment.ts';

/** Roughly how long Knative takes until there is no pod. The answer comes soon then. */
const FROM_ZERO_SECONDS = 45;

export const scaleFromZero = {
  name: 'scale-from-zero',
  about: 'time from no pod to the first right answer of the baseline on Knative; left out without Knative',
  needs: [],
  quick: false,
  fits: (place) => place.scaleFromZero !== undefined,
  seconds: ({ pace }) => pace.coldStarts * FROM_ZERO_SECONDS,

  async run({ place, settings, progress, folder }) {
    const trials = settings.pace.coldStarts;
    const { baseline } = settings.comparison;
    folder.plan('scale-from-zero', { trials, scaling: 'one', steps: [] });
    const rows: Row<'zerostarts'>[] = [];
    for (let start = 0; place.scaleFromZero && start < trials; start++) {
      const name = `scale-from-zero ${start + 1}/${trials}`;
      progress.begin(`${name}: ${interfaceOf(settings.comparison, baseline).name} on Knative`, FROM_ZERO_SECONDS);
      rows.push({ start, first_answer_ms: await place.scaleFromZero() });
      folder.write('scale-from-zero', 1, csv(new Map(), baseline, 'zerostarts', rows));
    }
    return {};
  },
} as const satisfies Experiment;
