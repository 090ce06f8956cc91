// Ends a run of the tests with a line that says how many were left out, and why. In CI, where the environment variable CI
// is set, the run fails if they were left out for want of something.

import type { Reporter, TestModule, Vitest } from 'vitest/node';

export default class LeftOut implements Reporter {
  readonly #counts = new Map<string, number>();
  #isIncomplete = false;

  onInit(vitest: Vitest): void {
    // The report on coverage comes after the tests, and this line after both.
    vitest.onClose(() => {
      const reasons = [...this.#counts].map(([reason, count]) => `${count} because ${reason}`);
      if (reasons.length === 0) return;
      console.log(`Tests left out: ${reasons.join(', ')}.`);
      if (!process.env.CI || !this.#isIncomplete) return;
      console.log('In CI, all of them must run: give the job what they need.');
      process.exitCode = 1;
    });
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      for (const { fullName } of module.children.allTests('skipped')) {
        // describeIf() and testIf() have put the reason there.
        const [, reason] = /\(left out: (.+?)\)/.exec(fullName) ?? [];
        this.#isIncomplete ||= reason !== undefined;
        const why = reason ?? 'they are marked so';
        this.#counts.set(why, (this.#counts.get(why) ?? 0) + 1);
      }
    }
  }
}
