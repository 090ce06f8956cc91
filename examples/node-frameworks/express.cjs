// The plainest handler on Express.

const { randomUUID } = require('node:crypto');
const { env } = require('node:process');
const express = require('express');
const toCelsius = require('./to-celsius.cjs');

const appId = randomUUID();

express()
  .get('/', (req, res) => {
    res.json({ celsius: toCelsius(Number(req.query.fahrenheit)), appId });
  })
  .post('/', express.json({ limit: '1mb' }), (req, res) => {
    res.json({ celsius: toCelsius(req.body.fahrenheit), appId });
  })
  .listen(env.PORT);
