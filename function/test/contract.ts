// Validates answers against function/openapi.yaml.

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import { parse } from 'yaml';
import type { Answer, Question } from './service.ts';

interface Response {
  $ref?: string;
  content?: Record<string, object>;
  headers?: Record<string, object>;
}

interface OpenApi {
  info: { version: string };
  paths: Record<string, Record<string, { responses: Record<string, Response> }>>;
  components: { responses: Record<string, Response> };
}

export const openApi = parse(readFileSync('function/openapi.yaml', 'utf8')) as OpenApi;

const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(openApi, 'openapi.yaml');

/** Says whether a value is a problem document. */
export const isProblem = ajv.compile({ $ref: 'openapi.yaml#/components/schemas/Problem' });

/** The pairs of operation and status that {@link checkContract} saw, such as "get / 200". */
export const seen = new Set<string>();

/** Returns all pairs of operation and status that the document promises. */
export function promised(): string[] {
  return Object.entries(openApi.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { responses }]) =>
      Object.keys(responses).map((status) => `${method} ${path} ${status}`),
    ),
  );
}

/** Expects that an answer is what the document promises for the request. */
export function checkContract({ method = 'GET', path = '/' }: Question, answer: Answer): void {
  const route = path.replace(/\?.*/, '');
  const name = method === 'HEAD' ? 'get' : method.toLowerCase();
  const operations = openApi.paths[route];
  const responses = operations?.[name]?.responses;
  const { status, headers } = answer;
  if (!responses) {
    expect({ status, type: headers['content-type'] }).toEqual({
      status: operations ? (method === 'OPTIONS' ? 204 : 405) : 404,
      type: method === 'OPTIONS' && operations ? undefined : 'application/problem+json',
    });
    if (operations) expect(headers.allow).toContain('GET, HEAD');
    return;
  }
  expect(Object.keys(responses), `${method} ${path}: ${answer.text}`).toContain(String(status));
  seen.add(`${name} ${route} ${status}`);
  const pointer = ['paths', route, name, 'responses', String(status)];
  const response = responses[String(status)]!;
  const resolved = response.$ref?.split('/').slice(1) ?? pointer;
  const { content = {}, headers: promisedHeaders = {} } = response.$ref
    ? openApi.components.responses[resolved.at(-1)!]!
    : response;
  for (const header of Object.keys(promisedHeaders)) expect(headers).toHaveProperty(header.toLowerCase());
  const type = headers['content-type']?.replace(/;.*/, '');
  expect(Object.keys(content)).toEqual(type === undefined ? [] : [type]);
  if (type === undefined || method === 'HEAD') return;
  const schema = [...resolved, 'content', type, 'schema'].map((key) => key.replaceAll('~', '~0').replaceAll('/', '~1'));
  const validate = ajv.compile({ $ref: `openapi.yaml#/${schema.map(encodeURIComponent).join('/')}` });
  const value: unknown = type.endsWith('json') ? JSON.parse(answer.text) : answer.text;
  expect(validate(value), `${ajv.errorsText(validate.errors)}: ${answer.text}`).toBe(true);
}
