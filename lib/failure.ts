// A failure that a user can do something about.

/** A failure whose message the user sees, without a stack trace. */
export class Failure extends Error {
  /** What the cluster or the program reported about the failure, over several lines. */
  readonly details: string;

  constructor(message: string, details = '') {
    super(message);
    this.details = details;
  }
}
