// The plainest handler on Express.

const { randomUUID } = require('node:crypto');
const { env } = require('node:process');
const express = require('express');

const appId = randomUUID();

express()
  .get('/', (req, res) => {
    res.json({ celsius: ((Number(req.query.fahrenheit) - 32) * 5) / 9, appId });
  })
  .listen(env.PORT);
