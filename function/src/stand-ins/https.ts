// Replaces Node's `https` module in the bundle (see function/README.md, "The bundle"). Loading TLS takes a fifth of the
// start-up time, and only prom-client's push gateway needs it, which is not used here.

import type * as https from 'node:https';

/** Does the same as `request` of `https`, and loads that module at the first call. */
export const request = ((...args: Parameters<typeof https.request>) =>
  process.getBuiltinModule('node:https').request(...args)) as typeof https.request;
