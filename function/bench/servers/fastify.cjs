// The plainest handler on Fastify.

const { randomUUID } = require('node:crypto');
const { env } = require('node:process');
const fastify = require('fastify');

const appId = randomUUID();

fastify()
  .get('/', (req) => ({ celsius: ((Number(req.query.fahrenheit) - 32) * 5) / 9, appId }))
  .listen({ port: env.PORT });
