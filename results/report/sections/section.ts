// Defines a section of the report, and the material that it is written from.

import type { ExperimentName } from '../../files.ts';
import type { BreakEven } from '../break-even.ts';
import type { Block } from '../document.ts';
import type { Figure, NoiseFloors } from '../figures.ts';
import type { Choice, Targets } from '../targets.ts';

export interface SectionDefinition {
  title: string;
  /** The subject and the experiment of the section, which the first page names if the run lacks it. */
  measured?: { what: string; experiment: ExperimentName };
  /** Returns undefined if the run has nothing for the section, which is then left out. */
  blocks: (material: Material) => Block[] | undefined | Promise<Block[] | undefined>;
}

export interface Material {
  targets: Targets;
  figures: readonly Figure[];
  noise: NoiseFloors;
  /** From which batch size on another target is better. */
  breakEvens: readonly BreakEven[];
  price: Price;
  /** What the reader wants to see. */
  choice: Choice;
  /** The sections behind this one that are left out. */
  missing: readonly SectionDefinition[];
}

/** What a node costs. */
export interface Price {
  dollarsPerHour: number;
  cpus: number;
}
