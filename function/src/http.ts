// The pieces of HTTP that the function and the server around it share.

import { STATUS_CODES, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { log } from './log.ts';

/**
 * The reason to refuse a request. The code that finds the fault throws it, and {@link sendError} sends it.
 * The message tells the client what was wrong, and what is accepted.
 */
export class Problem extends Error {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;

  constructor(status: number, message: string, headers: OutgoingHttpHeaders = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** Answers with JSON. */
export function sendJson(res: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  res.writeHead(status, jsonHeaders('application/json', text)).end(text);
}

/** Answers a request that failed. It sends a problem as it is; of any other error, only the log gets the details. */
export function sendError(res: ServerResponse, error: unknown): void {
  if (error instanceof Problem) {
    writeProblem(res, error);
  } else {
    log.error(error);
    writeProblem(res, new Problem(500, 'The service failed; its log tells why.'));
  }
  res.end();
}

/** Writes a complete problem document (RFC 9457), but does not end the response. */
export function writeProblem(res: ServerResponse, problem: Problem): void {
  const { headers, text } = problemDocument(problem);
  res.writeHead(problem.status, headers).write(text);
}

/** Returns a complete answer in HTTP/1.1 with a problem document, for a request that has no response object. */
export function problemAnswer(problem: Problem): string {
  const { headers, text } = problemDocument(problem);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${text}`;
}

function problemDocument({ status, message, headers }: Problem): { headers: OutgoingHttpHeaders; text: string } {
  const text = JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail: message });
  return { headers: { ...jsonHeaders('application/problem+json', text), ...headers }, text };
}

/** Forbids caches to keep an answer, because it describes the process that gave it. */
function jsonHeaders(type: string, text: string): OutgoingHttpHeaders {
  return { 'content-type': type, 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store' };
}

/**
 * Answers OPTIONS for a resource with these methods, and refuses methods that the resource does not have.
 *
 * @returns whether the request was answered
 * @throws {Problem} 405 for a method that the resource does not have
 */
export function answerMethods(req: IncomingMessage, res: ServerResponse, methods: readonly string[]): boolean {
  const { method = '' } = req;
  if (methods.includes(method)) return false;
  const allow = [...methods, 'OPTIONS'].join(', ');
  if (method !== 'OPTIONS') {
    throw new Problem(405, `The method ${method} is not known here; accepted are ${allow}.`, { allow });
  }
  res.writeHead(204, { allow }).end();
  return true;
}

/**
 * Splits a request's target (RFC 9112, section 3.2) into path and query, without the question mark.
 * `*`, which stands for the whole server, counts as its root.
 */
export function splitTarget(req: IncomingMessage): { path: string; query: string } {
  let target = req.url ?? '';
  if (!target.startsWith('/')) target = target.replace(/^(?:https?:\/\/[^/?]*|\*$)/i, '');
  const end = target.indexOf('?');
  return {
    path: (end < 0 ? target : target.slice(0, end)) || '/',
    query: end < 0 ? '' : target.slice(end + 1),
  };
}
