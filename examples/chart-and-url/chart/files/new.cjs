// The version that is to replace old.cjs: it knows all 3999 Roman numerals, and looks them up.

const { createServer } = require('node:http');
const { hostname } = require('node:os');
const process = require('node:process');
const { json } = require('node:stream/consumers');

const DIGITS = ['', 'I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX'];
const IN_TENS = { I: 'X', V: 'L', X: 'C' };
const IN_HUNDREDS = { I: 'C', V: 'D', X: 'M' };

const scaled = (digit, signs) => digit.replace(/[IVX]/g, (sign) => signs[sign]);
const NUMERALS = Array.from(
  { length: 4000 },
  (_, number) =>
    'M'.repeat(number / 1000) +
    scaled(DIGITS[Math.trunc(number / 100) % 10], IN_HUNDREDS) +
    scaled(DIGITS[Math.trunc(number / 10) % 10], IN_TENS) +
    DIGITS[number % 10],
);

const server = createServer(async (req, res) => {
  res.setHeader('content-type', 'application/json');
  if (req.method === 'POST') {
    const { numbers } = await json(req);
    const numerals = numbers.map((number) => ({ number, roman: NUMERALS[number] }));
    res.end(JSON.stringify({ numerals, instance: hostname() }));
  } else {
    const number = Number(req.url.slice(req.url.lastIndexOf('/') + 1));
    res.end(JSON.stringify({ roman: NUMERALS[number], instance: hostname() }));
  }
}).listen(process.env.PORT);

process.once('SIGTERM', () => server.close());
