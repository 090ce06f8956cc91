// Takes the place of Node's `https` module in the bundle (see function/README.md, "The bundle"): loading TLS
// takes a fifth of the time to start, and only prom-client's push gateway, which is not used here, asks for it.

import type * as https from 'node:https';

/** As in `https`, which is loaded when this is asked for. */
export const request = ((...args: Parameters<typeof https.request>) =>
  process.getBuiltinModule('node:https').request(...args)) as typeof https.request;
