// Defines an experiment: what it measures, what it gets, and what it finds out for those that follow.

import type { Progress } from '../../lib/progress.ts';
import type { ExperimentName, Interface } from '../../results/files.ts';
import type { SweepFiles } from '../../results/sweep.ts';
import type { Place } from '../place.ts';
import type { ResultsFolder } from '../run/folder.ts';
import type { Settings } from '../settings.ts';

export interface Experiment {
  /** Its name on the command line, and its folder in the results. */
  readonly name: ExperimentName;
  /** What it measures, for --help. */
  readonly about: string;
  /** Those whose findings it builds on, which run before it. */
  readonly needs: readonly ExperimentName[];
  /** Whether `--quick` runs it, too, unless it is named. */
  readonly quick: boolean;
  /** Whether a place has what it takes. */
  fits(place: Place): boolean;
  /** Roughly how many seconds it takes for each target, at most. */
  seconds(settings: Settings): number;
  /** @throws Failure if it breaks */
  run(context: Context): Promise<Partial<Findings>>;
}

/** What experiments find out for those that follow. */
export interface Findings {
  /** What the load generator can send here without becoming the bottleneck. */
  readonly limits: Limits;
  /** What each trial of `sweep` measured of one replica. */
  readonly sweeps: ReadonlyMap<Interface, readonly SweepFiles[]>;
}

/**
 * How much may be asked of targets here. The *ceiling* is the most that the load generator can send to a bare server, a
 * *limit* is the share of it that a target may be asked, and the *bound* is the lowest limit of the baseline's protocol.
 */
export interface Limits {
  /** The highest rate that is offered to all targets whose protocol is the baseline's, in requests/s. */
  readonly bound: number;
  /** What the load generator can send to each target. */
  readonly targets: ReadonlyMap<Interface, GeneratorLimits>;
}

export interface GeneratorLimits {
  /** The highest rate that it offers, in requests/s. */
  readonly open: number;
  /** The CPU time that the load generator needs for a request at an offered rate, in seconds. */
  readonly cpuSeconds: number;
}

/** What an experiment gets: the run that it is part of, and the findings of earlier experiments. */
export interface Context extends Findings {
  readonly place: Place;
  readonly settings: Settings;
  readonly progress: Progress;
  readonly folder: ResultsFolder;
}

/** Roughly how much longer a load takes than its steps: its pod must start, and its results must be fetched. */
export const OVERHEAD_SECONDS = 10;
