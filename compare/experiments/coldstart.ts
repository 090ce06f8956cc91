// Times new replicas to their first right answer, and looks at the sizes of images and processes.

import { TARGETS, type Row } from '../../results/files.ts';
import { csv } from '../run/files.ts';
import { DEFINITIONS, onePerChart } from '../servers/index.ts';
import { OVERHEAD_SECONDS, type Experiment } from './experiment.ts';
import { inTurn, warmUp } from './measure.ts';

/** Roughly how long a cold start takes, including the end of the previous replica. */
const COLD_START_SECONDS = 15;
/** Roughly how long it takes until the cluster has a new reading of the memory. */
const READING_SECONDS = 30;

export const coldstart = {
  name: 'coldstart',
  about: 'time from a new pod to its first right answer; image sizes; memory',
  targets: TARGETS,
  needs: [],
  quick: true,
  fits: () => true,
  seconds: ({ pace }) => pace.coldStarts * COLD_START_SECONDS + pace.warmUp + OVERHEAD_SECONDS + READING_SECONDS,

  async run(comparison) {
    const { place, options, progress, folder } = comparison;
    const { coldStarts } = options.pace;
    folder.plan('coldstart', { trials: coldStarts, scaling: 'one', steps: [] });
    const targets = onePerChart(place.targets.filter((target) => place.controls(target)));
    const rows = new Map(targets.map((target) => [target, [] as Row<'coldstarts'>[]]));
    // Cold starts are measured here, so nothing warms these replicas up.
    for (const target of targets) await place.prepare(target, 'one', () => Promise.resolve());
    for (let start = 0; start < coldStarts; start++) {
      for (const target of inTurn(targets, start)) {
        progress.begin(`coldstart ${start + 1}/${coldStarts}: ${DEFINITIONS[target].name}`, COLD_START_SECONDS);
        const its = rows.get(target) ?? [];
        its.push({ start, ...(await place.coldStart(target)) });
        if (place.pods) folder.add({ pods: place.pods });
        folder.write('coldstart', 1, csv(new Map(), target, 'coldstarts', its));
      }
    }
    // Readings of memory take their time, so all targets are read at once.
    const memoryOf = async () =>
      new Map(await Promise.all(targets.map(async (each) => [each, await place.memoryBytes(each)] as const)));
    progress.begin('coldstart: idle memory', READING_SECONDS);
    const idle = await memoryOf();
    for (const target of targets) {
      progress.begin(`coldstart: a load on ${DEFINITIONS[target].name}`, options.pace.warmUp + OVERHEAD_SECONDS);
      await warmUp(comparison, target);
    }
    progress.begin('coldstart: memory after the load', READING_SECONDS);
    const loaded = await memoryOf();
    for (const target of targets) {
      const sizes = {
        image: await place.imageBytes(target),
        memory_idle: idle.get(target) ?? null,
        memory_loaded: loaded.get(target) ?? null,
      };
      const footprint = Object.entries(sizes).flatMap(([what, bytes]) =>
        bytes === null ? [] : { what: what as keyof typeof sizes, bytes },
      );
      folder.write('coldstart', 1, csv(new Map(), target, 'footprint', footprint));
    }
    return {};
  },
} as const satisfies Experiment;
