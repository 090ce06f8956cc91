// Loads one address with closed-loop clients, for at most three minutes. Each connection ends after 100 requests: a
// Service balances connections, so connections that stay open would never reach new replicas.

import autocannon from 'autocannon';

const options = JSON.parse(process.argv[2]!) as autocannon.Options;
await autocannon({
  ...options,
  headers: { 'content-type': 'application/json', ...options.headers },
  connections: 20,
  duration: 180,
  reconnectRate: 100,
});
