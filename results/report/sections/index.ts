// The sections of the report, in the order in which you read them.

import { former } from '../former.ts';
import { accuracy } from './accuracy.ts';
import { appendix } from './appendix.ts';
import { autoscaling } from './autoscaling.ts';
import { batchSize } from './batch-size.ts';
import { coldStart } from './cold-start.ts';
import { conclusion } from './conclusion.ts';
import { cost } from './cost.ts';
import { environment } from './environment.ts';
import { method } from './method.ts';
import { repetition } from './repetition.ts';
import type { SectionDefinition } from './section.ts';
import { sweep } from './sweep.ts';
import { threats } from './threats.ts';

export const SECTIONS: readonly SectionDefinition[] = [
  conclusion,
  method,
  environment,
  sweep,
  former,
  autoscaling,
  cost,
  batchSize,
  coldStart,
  accuracy,
  threats,
  repetition,
  appendix,
];
