// Doubles numbers, and ends after so many answers as MOST says. It answers 503 for the first seconds, as a server does that
// loads a model. In the image of the function, which runs it before its own program, that gets another port.

const { createServer } = require('node:http');
const { env, exit, stderr } = require('node:process');

const { PORT } = env;
env.PORT = '65000';

const start = Date.now();
let answers = 0;
createServer((request, response) => {
  if (request.headers.authorization !== `Bearer ${env.TOKEN}`) {
    response.writeHead(401).end();
  } else if (Date.now() - start < 3000) {
    response.writeHead(503).end('loading');
  } else {
    const number = Number(request.url.slice(1));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ double: 2 * number }));
    answers += 1;
    if (answers >= Number(env.MOST)) {
      stderr.write('too many questions\n');
      exit(7);
    }
  }
}).listen(PORT);
