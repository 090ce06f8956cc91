// Times new replicas to their first right answer, and looks at the sizes of images and processes.

import { TARGETS, type Row, type Target } from '../../../results/files.ts';
import { inTurn, OVERHEAD_SECONDS, warmUp, type Experiment } from '../experiment.ts';
import { DEFINITIONS } from '../targets/index.ts';
import { csv } from '../verdicts.ts';

/** Roughly how long a cold start takes, including the end of the previous replica. */
const COLD_START_SECONDS = 15;

export const coldstart = {
  name: 'coldstart',
  about: 'time from a new pod to its first right answer; image sizes; memory',
  targets: TARGETS,
  needs: [],
  fits: () => true,
  seconds: ({ pace }) => pace.coldStarts * COLD_START_SECONDS + pace.warmUp + 3 * OVERHEAD_SECONDS,

  async run(comparison) {
    const { place, options, progress, folder } = comparison;
    const targets = place.targets.filter((target) => place.controls(target));
    const rows: Record<Target, Row<'coldstarts'>[]> = { function: [], tfserving: [] };
    // Cold starts are measured here, so nothing warms these replicas up.
    for (const target of targets) await place.prepare(target, 'one', () => Promise.resolve());
    for (let start = 0; start < options.pace.coldStarts; start++) {
      for (const target of inTurn(targets, start)) {
        progress.begin(
          `coldstart ${start + 1}/${options.pace.coldStarts}: ${DEFINITIONS[target].name}`,
          COLD_START_SECONDS,
        );
        rows[target].push({ start, ...(await place.coldStart(target)) });
        folder.write('coldstart', 1, csv(new Map(), target, 'coldstarts', rows[target]));
      }
    }
    for (const target of targets) {
      const footprint: Row<'footprint'>[] = [];
      const add = (what: Row<'footprint'>['what'], bytes: number | null) => {
        if (bytes !== null) footprint.push({ what, bytes });
      };
      add('image', await place.imageBytes(target));
      progress.begin(`coldstart: idle memory of ${DEFINITIONS[target].name}`, OVERHEAD_SECONDS);
      add('memory_idle', await place.memoryBytes(target));
      await warmUp(comparison, target);
      add('memory_loaded', await place.memoryBytes(target));
      folder.write('coldstart', 1, csv(new Map(), target, 'footprint', footprint));
    }
    return {};
  },
} as const satisfies Experiment;
