// Listens to the signals that ask a process to stop.

type Handler = (signal: NodeJS.Signals) => void;

/** How long, in milliseconds, a repeated signal counts as the same one. */
const SAME_SIGNAL_MS = 1000;

/**
 * Calls `first` at SIGTERM or SIGINT, and `again` when the user asks once more. At Ctrl-C, the terminal sends SIGINT to
 * npm and to the process that npm started, and npm passes on its own: both together are one wish.
 */
export function onStopSignal(first: Handler, again: Handler): void {
  let last: { signal: NodeJS.Signals; time: number } | undefined;
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, (signal) => {
      const time = performance.now();
      if (!last) {
        last = { signal, time };
        first(signal);
      } else if (signal !== last.signal || time - last.time > SAME_SIGNAL_MS) {
        again(signal);
      }
    });
  }
}
