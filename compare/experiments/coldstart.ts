// Times new replicas to their first right answer, and looks at the sizes of images and processes.

import type { Row } from '../../results/files.ts';
import { csv } from '../run/files.ts';
import { serverOf } from '../servers/comparison.ts';
import { OVERHEAD_SECONDS, type Experiment } from './experiment.ts';
import { inTurn, leaveOut, warmUp } from './measure.ts';

/** Roughly how long a cold start takes, including the end of the previous replica. */
const COLD_START_SECONDS = 15;
/** Roughly how long it takes until the cluster has a new reading of the memory. */
const READING_SECONDS = 30;

export const coldstart = {
  name: 'coldstart',
  about: 'time from a new pod to its first right answer; size of images; memory of servers',
  needs: [],
  quick: true,
  fits: () => true,
  seconds: ({ pace }) => pace.coldStarts * COLD_START_SECONDS + pace.warmUp + OVERHEAD_SECONDS + READING_SECONDS,

  async run(context) {
    const { place, settings, progress, folder } = context;
    const { coldStarts } = settings.pace;
    folder.plan('coldstart', { trials: coldStarts, scaling: 'one', steps: [] });
    const { servers } = place;
    const rows = new Map(servers.map((server) => [server, [] as Row<'coldstarts'>[]]));
    // Cold starts are measured here, so nothing warms these replicas up.
    for (const server of servers) await place.prepare(server, 'one', () => Promise.resolve());
    folder.add(await place.environment());
    const timed = servers.filter((server) => place.startsCold(server));
    for (const server of servers.filter((each) => !timed.includes(each))) {
      const { name } = serverOf(settings.comparison, server);
      leaveOut(
        { progress, folder },
        `coldstart: the time to the first answer of ${name}, whose first interface is not asked by HTTP.`,
      );
    }
    for (let start = 0; start < coldStarts; start++) {
      for (const server of inTurn(timed, start)) {
        progress.begin(
          `coldstart ${start + 1}/${coldStarts}: ${serverOf(settings.comparison, server).name}`,
          COLD_START_SECONDS,
        );
        const starts = rows.get(server) ?? [];
        starts.push({ start, ...(await place.coldStart(server)) });
        folder.add({ pods: place.pods });
        folder.write('coldstart', 1, csv(new Map(), server, 'coldstarts', starts));
      }
    }
    // Readings of memory take their time, so all servers are read at once.
    const memoryOf = async () =>
      new Map(await Promise.all(servers.map(async (each) => [each, await place.memoryBytes(each)] as const)));
    progress.begin('coldstart: idle memory', READING_SECONDS);
    const idle = await memoryOf();
    for (const server of servers) {
      progress.begin(
        `coldstart: a load on ${serverOf(settings.comparison, server).name}`,
        settings.pace.warmUp + OVERHEAD_SECONDS,
      );
      await warmUp(context, server);
    }
    progress.begin('coldstart: memory after the load', READING_SECONDS);
    const loaded = await memoryOf();
    for (const server of servers) {
      const sizes = {
        image: await place.imageBytes(server),
        memory_idle: idle.get(server) ?? null,
        memory_loaded: loaded.get(server) ?? null,
      };
      const footprint = Object.entries(sizes).flatMap(([what, bytes]) =>
        bytes === null ? [] : { what: what as keyof typeof sizes, bytes },
      );
      folder.write('coldstart', 1, csv(new Map(), server, 'footprint', footprint));
    }
    return {};
  },
} as const satisfies Experiment;
