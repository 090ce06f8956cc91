// What a section of the report is, and what it is written from.

import type { ExperimentName } from '../../files.ts';
import type { BreakEven } from '../break-even.ts';
import type { Block } from '../document.ts';
import type { Figure, NoiseFloors } from '../figures.ts';
import type { Targets } from '../targets.ts';

export interface SectionDefinition {
  title: string;
  /** What the section tells of, and the experiment that it rests on, for the first page of a run that lacks it. */
  measured?: { what: string; experiment: ExperimentName };
  /** Undefined where the run has nothing for the section, which is then left out. */
  blocks: (material: Material) => Block[] | undefined | Promise<Block[] | undefined>;
}

export interface Material {
  targets: Targets;
  figures: readonly Figure[];
  noise: NoiseFloors;
  /** From which batch size on another target is better. */
  breakEvens: readonly BreakEven[];
  price: Price;
  /** The sections behind this one that are left out. */
  missing: readonly SectionDefinition[];
}

/** What a node costs. */
export interface Price {
  dollarsPerHour: number;
  cpus: number;
}
