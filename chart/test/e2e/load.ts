// Loads one address with closed-loop clients for three minutes at most. Each connection serves 100 requests: a Service
// balances connections, so that connections which stay open would never reach the replicas that are added.

import autocannon from 'autocannon';

const options = JSON.parse(process.argv[2]!) as autocannon.Options;
await autocannon({
  ...options,
  headers: { 'content-type': 'application/json' },
  connections: 20,
  duration: 180,
  reconnectRate: 100,
});
