// The version that runs already: it puts a Roman numeral together, sign by sign.
//
//   GET  /numerals/42                     {"roman":"XLII","instance":"…"}
//   POST /numerals {"numbers":[42,1999]}  {"numerals":[{"number":42,"roman":"XLII"},…],"instance":"…"}

const { createServer } = require('node:http');
const { hostname } = require('node:os');
const { env } = require('node:process');
const { json } = require('node:stream/consumers');

const SIGNS = Object.entries({
  M: 1000,
  CM: 900,
  D: 500,
  CD: 400,
  C: 100,
  XC: 90,
  L: 50,
  XL: 40,
  X: 10,
  IX: 9,
  V: 5,
  IV: 4,
  I: 1,
});

function toRoman(number) {
  let roman = '';
  for (const [sign, value] of SIGNS) {
    for (; number >= value; number -= value) roman += sign;
  }
  return roman;
}

createServer(async (req, res) => {
  res.setHeader('content-type', 'application/json');
  if (req.method === 'POST') {
    const { numbers } = await json(req);
    const numerals = numbers.map((number) => ({ number, roman: toRoman(number) }));
    res.end(JSON.stringify({ numerals, instance: hostname() }));
  } else {
    const number = Number(req.url.slice(req.url.lastIndexOf('/') + 1));
    res.end(JSON.stringify({ roman: toRoman(number), instance: hostname() }));
  }
}).listen(env.PORT);
