// Every load, with the reasons of those that don't count.

import { left, list, paragraph, right, type Block, type Table } from '../document.ts';
import { number, percent, upperFirst, words } from '../format.ts';
import { isValid, loadsOf, throttledShare, type Part } from '../measurements.ts';
import type { Target } from '../targets.ts';
import type { SectionDefinition } from './section.ts';

export const appendix = { title: 'Appendix: each load', blocks } satisfies SectionDefinition;

const FIRST_WRONG = 'Where answers failed, or were wrong, this was the first of each load:';

/** @param material of one run or of several */
function blocks({ targets }: { targets: readonly Target[] }): Block[] {
  const runs = [...new Set(targets.map(({ measurements }) => measurements))];
  const targetOf = (part: Part) =>
    targets.find(({ key, measurements }) => key === part.target && measurements.parts.includes(part));
  // The baseline again is no target that the report compares.
  const knownOf = (part: Part) => targetOf(part) ?? part.environment.interfaces[part.target];
  const nameOf = (part: Part) => knownOf(part)?.name ?? part.target;
  // The labels of two runs side by side name the run, and not the target.
  const labelOf = (part: Part) => (runs.length === 1 ? knownOf(part)?.label : undefined) ?? upperFirst(nameOf(part));
  const parts = runs.flatMap((run) => run.parts.filter((part) => part.has('verdict')));
  const showsThrottling = parts.some((part) => throttledShare(part) !== undefined);
  const table: Table = {
    kind: 'table',
    columns: [
      left('Load'),
      left('Target'),
      left('Verdict'),
      right('Requests'),
      right('Failed'),
      right('Requests/s'),
      right('p50, ms'),
      right('p99, ms'),
      right('Generator, cores'),
      ...(showsThrottling ? [right('Throttled')] : []),
    ],
    rows: parts.map((part) => {
      const { verdict, requests, failures, throughput, p50Us, p99Us, generator } = part.read('verdict');
      const ms = (us: number | null) => number((us ?? NaN) / 1000);
      // Calibration looks for the load generator's ceiling: that it is the bottleneck there is no fault.
      const text = part.experiment === 'calibrate' ? 'ceiling' : verdict;
      const cell = text === 'INVALID' ? { alert: text } : text;
      return [
        `${part.experiment}/${part.trial}`,
        labelOf(part),
        cell,
        number(requests),
        number(failures),
        number(throughput),
        ms(p50Us),
        ms(p99Us),
        number(generator.cpuCores ?? NaN),
        ...(showsThrottling ? [percent(throttledShare(part))] : []),
      ];
    }),
    source:
      '*/*/<target>_verdict.json; latencies from the sending of the requests, failed ones included' +
      (showsThrottling ? '; the share of CPU periods in which the target stood at its limit: _throttling.csv' : ''),
  };
  const invalid = runs.flatMap(loadsOf).filter((part) => !isValid(part));
  const alike = Object.groupBy(invalid, (part) => `${nameOf(part)}. ${part.reasons.join(' ')}`);
  const alerts = Object.entries(alike).map(([nameAndReasons, loads = []]): Block => {
    const names = words(loads.map(({ experiment, trial }) => `${experiment}/${trial}`));
    return { kind: 'alert', text: `INVALID: ${names} of ${nameAndReasons}` };
  });
  const wrong = parts.flatMap((part) => {
    const { firstWrong } = part.read('verdict');
    return firstWrong ? { load: `${part.experiment}/${part.trial}`, text: `${nameOf(part)}: ${firstWrong}` } : [];
  });
  const items = [...Map.groupBy(wrong, ({ text }) => text)].map(
    ([text, loads]) => `${words(loads.map(({ load }) => load))} of ${text}`,
  );
  return [table, ...alerts, ...(items.length > 0 ? [paragraph(FIRST_WRONG), list(items)] : [])];
}
