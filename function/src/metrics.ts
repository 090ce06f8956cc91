import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { appId, version } from './identity.ts';
import { settings } from './settings.ts';

/** Collects what /metrics shows: CPU, memory and event loop of the process, its identity, and its requests. */
export const registry = new Registry();

collectDefaultMetrics({ register: registry });

new Gauge({
  name: 'f2c_function_info',
  help: 'Always 1; the labels tell which process this is.',
  labelNames: ['version', 'runtime', 'app_id'],
  registers: [registry],
}).set({ version, runtime: settings.FUNCTION_RUNTIME, app_id: appId }, 1);

const newByStatus = new Map<number, number>();

new Counter({
  name: 'http_requests_total',
  help: 'Answered requests by status, without probes and scrapes.',
  labelNames: ['status'],
  registers: [registry],
  // A label costs a hash on each call (0.6 µs). The scrape pays for it here, not each request.
  collect() {
    for (const [status, count] of newByStatus) this.inc({ status }, count);
    newByStatus.clear();
  },
});

const duration = new Histogram({
  name: 'http_request_duration_seconds',
  help: 'From the head of a request read to its answer written, without probes and scrapes.',
  buckets: [50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5],
  registers: [registry],
});

/** Counts one answered request. */
export function observeRequest(status: number, seconds: number): void {
  newByStatus.set(status, (newByStatus.get(status) ?? 0) + 1);
  duration.observe(seconds);
}
