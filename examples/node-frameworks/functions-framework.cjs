// The plainest handler, run by the framework's own command line.

const { randomUUID } = require('node:crypto');
const toCelsius = require('./to-celsius.cjs');

const appId = randomUUID();

exports.fahrenheitToCelsius = (req, res) => {
  const fahrenheit = req.method === 'POST' ? req.body.fahrenheit : Number(req.query.fahrenheit);
  res.json({ celsius: toCelsius(fahrenheit), appId });
};
