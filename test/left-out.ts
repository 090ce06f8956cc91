// Ends a run of the tests with a line that says how many were left out, and why.

import type { Reporter, TestModule, Vitest } from 'vitest/node';

export default class LeftOut implements Reporter {
  readonly #counts = new Map<string, number>();

  onInit(vitest: Vitest): void {
    // The report on coverage comes after the tests, and this line after both.
    vitest.onClose(() => {
      const reasons = [...this.#counts].map(([reason, count]) => `${count} because ${reason}`);
      if (reasons.length > 0) console.log(`Tests left out: ${reasons.join(', ')}.`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      for (const { fullName } of module.children.allTests('skipped')) {
        // describeIf() has put the reason there.
        const [, reason = 'they are marked so'] = /\(left out: (.+?)\)/.exec(fullName) ?? [];
        this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
      }
    }
  }
}
