// Shows the progress of a run: one line that changes on a terminal, and plain lines elsewhere. It writes to stderr,
// because results go to stdout.

import ora from 'ora';

export interface Progress {
  /** The step that is under way. */
  readonly step: string;
  /** Sets the estimate of how many seconds all steps from now on take together. */
  expect(seconds: number): void;
  /** Ends the step before, and begins a step that takes about `seconds`. */
  begin(step: string, seconds?: number): void;
  /** Prints a sentence that stays on the screen. */
  say: (sentence: string, kind?: 'ok' | 'warning' | 'failure') => void;
  /** Ends the last step. */
  end(): void;
}

const SIGNS = { ok: '', warning: 'NOTE ', failure: 'ERROR ' };

export function startProgress(): Progress {
  const isTerminal = process.stderr.isTTY;
  // The run itself handles Ctrl-C, not the spinner.
  const spinner = ora({ stream: process.stderr, isEnabled: isTerminal, discardStdin: false });
  let left = 0;
  let current = { step: '', seconds: 0, start: performance.now() };

  const text = () => {
    const elapsed = (performance.now() - current.start) / 1000;
    const rest = left - Math.min(elapsed, current.seconds);
    return rest > 0 ? `${current.step} (about ${inWords(rest)} left)` : current.step;
  };
  const print = (line: string) => {
    console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
  };
  const timer = setInterval(() => {
    spinner.text = text();
  }, 1000).unref();

  return {
    get step() {
      return current.step;
    },
    expect(seconds) {
      left = seconds;
      // The step under way belongs to what was estimated before.
      current.seconds = 0;
    },
    begin(step, seconds = 0) {
      left = Math.max(0, left - current.seconds);
      current = { step, seconds, start: performance.now() };
      if (isTerminal) spinner.start(text());
      else print(text());
    },
    say(sentence, kind = 'ok') {
      if (!isTerminal) print(SIGNS[kind] + sentence);
      else {
        spinner[({ ok: 'succeed', warning: 'warn', failure: 'fail' } as const)[kind]](sentence);
        spinner.start(text());
      }
    },
    end() {
      clearInterval(timer);
      spinner.stop();
    },
  };
}

function inWords(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds / 10) * 10} s` : `${Math.ceil(seconds / 60)} min`;
}
