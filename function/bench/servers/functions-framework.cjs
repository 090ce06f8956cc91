// The plainest handler, run by the framework's own command line.

const { randomUUID } = require('node:crypto');

const appId = randomUUID();

exports.fahrenheitToCelsius = (req, res) => {
  res.json({ celsius: ((Number(req.query.fahrenheit) - 32) * 5) / 9, appId });
};
