import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { finished } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import getRawBody from 'raw-body';
import { fahrenheitToCelsius, type FunctionRequest } from './function.ts';
import { answerMethods, Problem, sendError, sendJson, splitTarget, writeProblem } from './http.ts';
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
    },
    receive,
  );

  // A client that sends `Expect: 100-continue` learns before it sends a body that is too large. Without this handler,
  // Node answers 100 to every such client.
  server.on('checkContinue', (req: FunctionRequest, res: ServerResponse) => {
    if (!(Number(req.headers['content-length']) > settings.BODY_LIMIT_BYTES)) res.writeContinue();
    receive(req, res);
  });

  function receive(req: FunctionRequest, res: ServerResponse): void {
    // Only conversions enter the framework. Express would answer a broken escape in a path with an HTML page, and the
    // framework answers /favicon.ico and /robots.txt itself.
    const isConversion = /^\/(?:\?|$)/.test(req.url ?? '');
    const operation = isConversion ? undefined : operations.get(splitTarget(req).path);
    if (!operation) observe(req, res, settings.LOG_REQUESTS);
    readBody(req, res, settings.BODY_LIMIT_BYTES, () => {
      if (isLastOfConnection(req.socket)) res.setHeader('connection', 'close');
      if (operation) void operate(operation, req, res);
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

/** Reads the body into `rawBody`, as the framework does, and refuses one over the limit before it is in memory. */
function readBody(req: FunctionRequest, res: ServerResponse, limit: number, next: () => void): void {
  const { 'content-length': length, 'transfer-encoding': coding } = req.headers;
  if (length === undefined && coding === undefined) {
    next();
    return;
  }
  getRawBody(req, { length: length ?? null, limit }, (error, body) => {
    if (!(error as unknown)) {
      req.rawBody = body;
      next();
    } else if (error.type === 'entity.too.large') {
      refuseBody(req, res, limit);
    } // any other error means that the client has gone
  });
}

/** How long, and how many bytes, the server still reads from a client that sends too much. */
const LINGER = { ms: 5000, bytes: 16 * 2 ** 20 };

/**
 * Answers 413 in full, but ends the response only when the client stops sending, or after the limits above. If it ended
 * at once, Node would close the connection, and the reset caused by bytes still on their way could overtake the answer.
 */
function refuseBody(req: FunctionRequest, res: ServerResponse, limit: number): void {
  writeProblem(
    res,
    new Problem(413, `The body is too large; accepted are at most ${limit} bytes.`, { connection: 'close' }),
  );
  let bytes = 0;
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > LINGER.bytes) req.pause();
  });
  req.resume();
  const timer = setTimeout(() => res.end(), LINGER.ms);
  finished(req, () => {
    clearTimeout(timer);
    res.end();
  });
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
