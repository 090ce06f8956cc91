// Replaces Node's deprecated `domain` module in the bundle (see function/README.md, "The bundle"). The framework runs
// each call in a domain of its own, so that it can answer 500 if the function throws. This function never throws, and
// domains cost more CPU than everything else that the framework does.

/** The part of a domain that the framework uses. */
export function create(): { on(): void; run(call: () => void): void } {
  return {
    on: () => undefined,
    run: (call) => call(),
  };
}
