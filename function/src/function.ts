import type { IncomingMessage, ServerResponse } from 'node:http';
import { MIMEType } from 'node:util';
import { ABSOLUTE_ZERO_FAHRENHEIT, toCelsius } from './celsius.ts';
import { answerMethods, Problem, sendError, sendJson, splitTarget } from './http.ts';
import { appId } from './identity.ts';
import { settings } from './settings.ts';

/** A request whose body the caller has read, if it has one. The caller is the framework, or this project's server. */
export interface FunctionRequest extends IncomingMessage {
  rawBody?: Buffer;
}

/**
 * Converts °F to °C over HTTP, as function/openapi.yaml describes. It answers every request itself and never throws.
 * It uses nothing of Express, so it runs both on functions-framework and directly on node:http.
 */
export function fahrenheitToCelsius(req: FunctionRequest, res: ServerResponse): void {
  try {
    const { path, query } = splitTarget(req);
    if (path !== '/') throw new Problem(404, 'There is nothing at this path; the conversion is at /.');
    if (answerMethods(req, res, ['GET', 'HEAD', 'POST'])) return;
    const fahrenheit = req.method === 'POST' ? readBody(req) : readQuery(query);
    const celsius = typeof fahrenheit === 'number' ? toCelsius(fahrenheit) : fahrenheit.map(toCelsius);
    sendJson(res, 200, { celsius, appId });
  } catch (error) {
    sendError(res, error);
  }
}

const ACCEPTED_QUERY = 'accepted is one number as JSON writes it, such as ?fahrenheit=98.6';
const ACCEPTED_BODY = 'accepted is {"fahrenheit": 98.6} or {"fahrenheit": [32, 212]}';

/** Matches a number in JSON's grammar (RFC 8259, section 6). */
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

/** Reads the temperature from a query, and ignores other parameters. */
function readQuery(query: string): number {
  const texts = new URLSearchParams(query).getAll('fahrenheit');
  const [text] = texts;
  if (text === undefined) throw new Problem(400, `The parameter fahrenheit is missing; ${ACCEPTED_QUERY}.`);
  if (texts.length > 1) throw new Problem(400, `fahrenheit is given ${texts.length} times; ${ACCEPTED_QUERY}.`);
  if (!JSON_NUMBER.test(text)) throw new Problem(400, `fahrenheit is ${show(text)}; ${ACCEPTED_QUERY}.`);
  return checkNumber(Number(text));
}

/** Reads one temperature or many from a JSON body. */
function readBody(req: FunctionRequest): number | number[] {
  const { rawBody = Buffer.alloc(0) } = req;
  if (rawBody.length === 0) throw new Problem(400, `The body is empty; ${ACCEPTED_BODY}.`);
  checkContentType(req);
  const text = rawBody.toString();
  const fahrenheit = checkNumbers(readMember(parse(text, rawBody)));
  if (!ONE_STRING.test(text)) throw new Problem(400, `The member fahrenheit is repeated; ${ACCEPTED_BODY}.`);
  return fahrenheit;
}

/**
 * Matches a text with exactly one string. If a member is repeated, JSON.parse silently keeps the last one. A body that
 * has passed all other checks has only one string, the member's name, unless the member is repeated.
 */
const ONE_STRING = /^[^"]*"[^"]*"[^"]*$/;

function checkNumbers(values: unknown): number | number[] {
  if (!Array.isArray(values)) return checkNumber(values);
  if (values.length > settings.MAX_VALUES) {
    throw new Problem(413, `fahrenheit has ${values.length} values; accepted are at most ${settings.MAX_VALUES}.`);
  }
  return values.map(checkNumber);
}

function checkContentType({ headers }: IncomingMessage): void {
  const type = headers['content-type'];
  const coding = headers['content-encoding'] ?? 'identity';
  if (!isJson(type)) {
    throw new Problem(
      415,
      `The content type is ${type === undefined ? 'missing' : show(type)}; accepted is application/json in UTF-8.`,
    );
  }
  if (coding.toLowerCase() !== 'identity') {
    throw new Problem(415, `The content encoding is ${show(coding)}; accepted is a body without one.`, {
      'accept-encoding': 'identity',
    });
  }
}

function isJson(contentType = ''): boolean {
  // Nearly every client writes it like this, and parsing it takes longer than parsing a body with one value.
  if (contentType === 'application/json') return true;
  try {
    const { essence, params } = new MIMEType(contentType);
    return essence === 'application/json' && /^utf-?8$/i.test(params.get('charset') ?? 'utf-8');
  } catch {
    return false;
  }
}

/** Parses a body, and names what editors and shells on Windows make of a text instead of calling it invalid JSON. */
function parse(text: string, rawBody: Buffer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const start = rawBody.toString('latin1', 0, 3);
    if (start === '\xef\xbb\xbf') {
      throw new Problem(400, 'The body begins with a byte order mark; accepted is JSON in UTF-8 without one.');
    }
    if (UTF_16.test(start)) throw new Problem(415, 'The body is in UTF-16; accepted is JSON in UTF-8.');
    throw new Problem(400, `The body is not valid JSON; ${ACCEPTED_BODY}.`);
  }
}

/** Matches UTF-16 by its byte order mark, or by JSON's first character, which is always one of ASCII. */
const UTF_16 = /^(?:\xfe\xff|\xff\xfe|\0[\s!-~]|[\s!-~]\0)/;

/** Returns the value of fahrenheit from an object that has this member and no other. */
function readMember(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Problem(400, `The body is ${show(body)}; ${ACCEPTED_BODY}.`);
  }
  if (!('fahrenheit' in body)) throw new Problem(400, `The member fahrenheit is missing; ${ACCEPTED_BODY}.`);
  const other = Object.keys(body).find((name) => name !== 'fahrenheit');
  if (other !== undefined) throw new Problem(400, `The member ${show(other)} is not known; ${ACCEPTED_BODY}.`);
  return body.fahrenheit;
}

/** @param index the value's place, if it is one of many */
function checkNumber(value: unknown, index?: number): number {
  if (typeof value !== 'number') {
    throw new Problem(400, `${nameOf(index)} is ${show(value)}; accepted is a JSON number such as 98.6.`);
  }
  if (value < ABSOLUTE_ZERO_FAHRENHEIT) {
    throw new Problem(
      422,
      `${nameOf(index)} is ${value}, below absolute zero; accepted is ${ABSOLUTE_ZERO_FAHRENHEIT} and above.`,
    );
  }
  if (value === Infinity) {
    throw new Problem(422, `${nameOf(index)} is too large; accepted is up to ${Number.MAX_VALUE}.`);
  }
  return value;
}

function nameOf(index?: number): string {
  return index === undefined ? 'fahrenheit' : `fahrenheit[${index}]`;
}

/** Shows a value so that a client recognises it, in a few characters. */
function show(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}
