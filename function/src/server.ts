import { createServer, maxHeaderSize, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { finished, type Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fahrenheitToCelsius, type FunctionRequest } from './function.ts';
import { answerMethods, Problem, problemAnswer, sendError, sendJson, splitTarget, writeProblem } from './http.ts';
import { log } from './log.ts';
import { observeRequest, registry } from './metrics.ts';
import type { Settings } from './settings.ts';

/** A server that runs the function with limits, probes, metrics, and a shutdown that loses no request. */
export interface FunctionServer {
  readonly server: Server;

  /**
   * Shuts down. The server stops being ready at once, and each answer closes its connection. After the drain delay
   * it accepts no new connections, and requests in flight finish.
   *
   * @returns whether all of them finished; the drain time-out cuts off the others
   */
  readonly drain: () => Promise<boolean>;
}

/** @param pipeline calls the function: the framework's pipeline, or the function itself */
export function createFunctionServer(pipeline: RequestListener, settings: Settings): FunctionServer {
  let draining = false;

  const operations = new Map<string, (res: ServerResponse) => void | Promise<void>>([
    ['/healthz', (res) => sendJson(res, 200, { status: 'ok' })],
    [
      '/readyz',
      (res) => {
        if (draining) throw new Problem(503, 'This instance is shutting down; ask another one.');
        sendJson(res, 200, { status: 'ok' });
      },
    ],
    ['/metrics', sendMetrics],
  ]);

  const server = createServer(
    {
      headersTimeout: Math.min(settings.HEADERS_TIMEOUT_SECONDS, settings.REQUEST_TIMEOUT_SECONDS) * 1000,
      requestTimeout: settings.REQUEST_TIMEOUT_SECONDS * 1000,
      keepAliveTimeout: settings.KEEP_ALIVE_TIMEOUT_SECONDS * 1000,
      connectionsCheckingInterval: 1000,
      // Node would answer a request without the header Host itself, and without content.
      requireHostHeader: false,
    },
    receive,
  );

  // A client that sends `Expect: 100-continue` learns before it sends a body that is too large. Without this handler,
  // Node answers 100 to every such client.
  server.on('checkContinue', (req: FunctionRequest, res: ServerResponse) => {
    if (!(Number(req.headers['content-length']) > settings.BODY_LIMIT_BYTES)) res.writeContinue();
    receive(req, res);
  });

  server.on('clientError', refuseRequest);

  function receive(req: FunctionRequest, res: ServerResponse): void {
    // Only conversions enter the framework. Express would answer a broken escape in a path with an HTML page, and the
    // framework answers /favicon.ico and /robots.txt itself.
    const isConversion = /^\/(?:\?|$)/.test(req.url ?? '');
    const operation = isConversion ? undefined : operations.get(splitTarget(req).path);
    if (!operation) observe(req, res, settings.LOG_REQUESTS);
    readBody(req, res, settings.BODY_LIMIT_BYTES, () => {
      if (isLastOfConnection(req.socket)) res.setHeader('connection', 'close');
      if (req.httpVersion === '1.1' && req.headers.host === undefined) refuseHostless(res);
      else if (operation) void operate(operation, req, res);
      else if (isConversion) pipeline(req, res);
      else fahrenheitToCelsius(req, res);
    });
  }

  // Node's maxRequestsPerSocket does not fit: it answers requests that are pipelined behind the last one with 503.
  const requests = new WeakMap<Socket, number>();
  function isLastOfConnection(socket: Socket): boolean {
    if (draining || settings.MAX_REQUESTS_PER_CONNECTION === 0) return draining;
    const count = (requests.get(socket) ?? 0) + 1;
    requests.set(socket, count);
    return count >= settings.MAX_REQUESTS_PER_CONNECTION;
  }

  async function drain(): Promise<boolean> {
    draining = true;
    await delay(settings.DRAIN_DELAY_SECONDS * 1000);
    const closed = new Promise<true>((resolve) => server.close(() => resolve(true)));
    const done = await Promise.race([closed, delay(settings.DRAIN_TIMEOUT_SECONDS * 1000, false)]);
    server.closeAllConnections();
    return done;
  }

  return { server, drain };
}

/** Counts a request when its answer is written, and logs it if the settings say so. */
function observe(req: FunctionRequest, res: ServerResponse, isLogged: boolean): void {
  const start = performance.now();
  res.on('finish', () => {
    const milliseconds = performance.now() - start;
    observeRequest(res.statusCode, milliseconds / 1000);
    if (isLogged) log.info({ method: req.method, url: req.url, status: res.statusCode, milliseconds }, 'request');
  });
}

/**
 * Reads the body into `rawBody`, as the framework does, and refuses one over the limit before it is in memory. If the
 * client goes away before it has sent all, `next` is not called.
 */
function readBody(req: FunctionRequest, res: ServerResponse, limit: number, next: () => void): void {
  const { 'content-length': length, 'transfer-encoding': coding } = req.headers;
  if (length === undefined && coding === undefined) {
    next();
    return;
  }
  if (Number(length) > limit) {
    refuseBody(req, res, limit);
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  const collect = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= limit) {
      chunks.push(chunk);
    } else {
      req.off('data', collect).off('end', finish);
      refuseBody(req, res, limit);
    }
  };
  const finish = () => {
    const [first] = chunks;
    // A small body arrives in one chunk, which needs no copy.
    req.rawBody = first?.length === bytes ? first : Buffer.concat(chunks, bytes);
    next();
  };
  req.on('data', collect).on('end', finish);
}

/** The connections on which a body is refused: what is broken in the rest of it needs no second answer. */
const answered = new WeakSet<Socket>();

/** Answers 413 in full, but ends the response only when the client stops sending. */
function refuseBody(req: FunctionRequest, res: ServerResponse, limit: number): void {
  answered.add(req.socket);
  writeProblem(
    res,
    new Problem(413, `The body is too large; accepted are at most ${limit} bytes.`, { connection: 'close' }),
  );
  linger(req, () => res.end());
}

/** Answers a request that Node can't read, so that there is no response object, and closes the connection. */
function refuseRequest(error: NodeJS.ErrnoException & { reason?: string }, socket: Socket): void {
  if (!socket.writable) return;
  if (!answered.has(socket)) socket.write(problemAnswer(problemOf(error)));
  socket.end();
  // Node's parser gets no more of this connection; it would report the same error again, or call the function.
  socket.removeAllListeners('data');
  linger(socket, () => socket.destroy());
}

function problemOf({ code, reason }: NodeJS.ErrnoException & { reason?: string }): Problem {
  const headers = { connection: 'close' };
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem(431, `The head is too large; accepted are less than ${maxHeaderSize} bytes.`, headers);
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem(413, 'The chunk extensions are too large; accepted are chunks without them.', headers);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem(408, 'The request did not arrive in time; accepted is a faster one.', headers);
    default:
      return new Problem(400, `The request is not valid HTTP/1.1${reason ? ` (${reason})` : ''}.`, headers);
  }
}

/** How long, and how many bytes, the server still reads from a client that got its answer before it had sent all. */
const LINGER = { ms: 5000, bytes: 16 * 2 ** 20 };

/**
 * Calls `end` when the client stops sending, or after the limits above. If a connection closed earlier, the reset caused
 * by bytes still on their way could overtake the answer.
 */
function linger(source: Readable, end: () => void): void {
  let bytes = 0;
  source.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > LINGER.bytes) source.pause();
  });
  source.resume();
  const timer = setTimeout(end, LINGER.ms);
  finished(source, () => {
    clearTimeout(timer);
    end();
  });
}

/** Answers a request that lacks what HTTP/1.1 demands (RFC 9112, section 3.2). */
function refuseHostless(res: ServerResponse): void {
  sendError(
    res,
    new Problem(400, 'The header Host is missing; accepted is HTTP/1.1 with it.', { connection: 'close' }),
  );
}

async function operate(
  operation: (res: ServerResponse) => void | Promise<void>,
  req: FunctionRequest,
  res: ServerResponse,
): Promise<void> {
  try {
    if (!answerMethods(req, res, ['GET', 'HEAD'])) await operation(res);
  } catch (error) {
    sendError(res, error);
  }
}

async function sendMetrics(res: ServerResponse): Promise<void> {
  const text = await registry.metrics();
  res.writeHead(200, { 'content-type': registry.contentType, 'content-length': Buffer.byteLength(text) }).end(text);
}
