// Takes the place of Node's deprecated `domain` module in the bundle (see function/README.md, "The bundle").
// The framework runs each call in a domain of its own, to answer 500 for what the function throws; this
// function never throws, and domains cost as much as all the rest of the framework.

/** The part of a domain that the framework uses. */
export function create(): { on(): void; run(call: () => void): void } {
  return {
    on: () => undefined,
    run: (call) => call(),
  };
}
