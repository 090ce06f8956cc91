// The plainest handler on Fastify.

const { randomUUID } = require('node:crypto');
const { env } = require('node:process');
const fastify = require('fastify');
const toCelsius = require('./to-celsius.cjs');

const appId = randomUUID();

fastify()
  .get('/', (req) => ({ celsius: toCelsius(Number(req.query.fahrenheit)), appId }))
  .post('/', (req) => ({ celsius: toCelsius(req.body.fahrenheit), appId }))
  .listen({ port: env.PORT });
