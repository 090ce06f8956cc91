// Tests the HTTP interface in each way that the function runs. Validates every answer against function/openapi.yaml.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Validator } from '@seriousme/openapi-schema-validator';
import fc from 'fast-check';
import { version as uuidVersion } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { sendError } from '../src/http.ts';
import { checkContract, openApi, promised, seen } from './contract.ts';
import { type Answer, ask, BUNDLE, type Question, RUNTIMES, type Service, startHere, startProcess } from './service.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const post = (body: string | Buffer, headers: Question['headers'] = JSON_TYPE): Question => ({
  method: 'POST',
  headers,
  body,
});
const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const convertible = (count: number) => JSON.stringify({ fahrenheit: Array<number>(count).fill(212) });

const accepted: [string, Question, number | number[]][] = [
  ['a query', { path: '/?fahrenheit=212' }, 100],
  ['a query with other parameters', { path: '/?unit=f&fahrenheit=-40&_=1' }, -40],
  ['an escaped query', { path: '/?fahrenhei%74=%32%31%32' }, 100],
  ['an exponent', { path: '/?fahrenheit=2.12e%2B2' }, 100],
  ['a negative zero', { path: '/?fahrenheit=-0' }, -17.77777777777778],
  ['absolute zero', { path: '/?fahrenheit=-459.67' }, -273.15],
  ['the largest double', { path: '/?fahrenheit=1.7976931348623157e308' }, 9.987184082568422e307],
  ['32 °F as 0, not -0', { path: '/?fahrenheit=32' }, 0],
  ['a query with a body that nobody reads', { path: '/?fahrenheit=212', body: 'x' }, 100],
  ['a query with an Upgrade', { path: '/?fahrenheit=212', headers: { upgrade: 'h2c', connection: 'upgrade' } }, 100],
  ['a number', post('{"fahrenheit":212}'), 100],
  ['a number in spaces', post(' {\n"fahrenheit" : 2.12E2 } '), 100],
  ['an escaped member', post('{"\\u0066ahrenheit":212}'), 100],
  ['an array', post('{"fahrenheit":[32,212]}'), [0, 100]],
  ['an empty array', post('{"fahrenheit":[]}'), []],
  ['10 000 values', post(convertible(10_000)), Array<number>(10_000).fill(100)],
  ['a charset', post('{"fahrenheit":212}', { 'content-type': 'Application/JSON; charset="UTF-8"' }), 100],
  ['a charset as many write it', post('{"fahrenheit":212}', { 'content-type': 'application/json;charset=utf8' }), 100],
  ['an identity encoding', post('{"fahrenheit":212}', { ...JSON_TYPE, 'content-encoding': 'identity' }), 100],
  ['a chunked body', post('{"fahrenheit":212}', { ...JSON_TYPE, 'transfer-encoding': 'chunked' }), 100],
  ['an awaited 100', post('{"fahrenheit":212}', { ...JSON_TYPE, expect: '100-continue' }), 100],
];

const ONE = 'accepted is one number as JSON writes it, such as ?fahrenheit=98.6.';
const BODY = 'accepted is {"fahrenheit": 98.6} or {"fahrenheit": [32, 212]}.';
const NUMBER = 'accepted is a JSON number such as 98.6.';
const MEDIA_TYPE = 'accepted is application/json in UTF-8.';
const COLD = 'below absolute zero; accepted is -459.67 and above.';
const HUGE = 'is too large; accepted is up to 1.7976931348623157e+308.';
const HEAD = 'The head is too large; accepted are less than 16384 bytes.';
const NOWHERE = 'There is nothing at this path; the conversion is at /.';

const refused: [number, Question, string][] = [
  [400, { path: '/' }, `The parameter fahrenheit is missing; ${ONE}`],
  [400, { path: '/?Fahrenheit=1' }, `The parameter fahrenheit is missing; ${ONE}`],
  [400, { path: '/?fahrenheit[]=1' }, `The parameter fahrenheit is missing; ${ONE}`],
  [400, { path: '/?fahrenheit=' }, `fahrenheit is ""; ${ONE}`],
  [400, { path: '/?fahrenheit' }, `fahrenheit is ""; ${ONE}`],
  [400, { path: '/?fahrenheit=1&fahrenheit=2' }, `fahrenheit is given 2 times; ${ONE}`],
  [400, { path: '/?fahrenheit=abc' }, `fahrenheit is "abc"; ${ONE}`],
  [400, { path: '/?fahrenheit=NaN' }, `fahrenheit is "NaN"; ${ONE}`],
  [400, { path: '/?fahrenheit=Infinity' }, `fahrenheit is "Infinity"; ${ONE}`],
  [400, { path: '/?fahrenheit=0x10' }, `fahrenheit is "0x10"; ${ONE}`],
  [400, { path: '/?fahrenheit=1,5' }, `fahrenheit is "1,5"; ${ONE}`],
  [400, { path: '/?fahrenheit=1e+5' }, `fahrenheit is "1e 5"; ${ONE}`],
  [400, { path: '/?fahrenheit=012' }, `fahrenheit is "012"; ${ONE}`],
  [400, { path: '/?fahrenheit=.5' }, `fahrenheit is ".5"; ${ONE}`],
  [400, { path: '/?fahrenheit=%20212' }, `fahrenheit is " 212"; ${ONE}`],
  [400, { path: '/?fahrenheit=%zz' }, `fahrenheit is "%zz"; ${ONE}`],
  [400, { path: '/?fahrenheit=%3Cscript%3E' }, `fahrenheit is "<script>"; ${ONE}`],
  [400, { path: `/?fahrenheit=${'9'.repeat(70)}x` }, `fahrenheit is "${'9'.repeat(59)}…; ${ONE}`],
  [422, { path: '/?fahrenheit=-459.68' }, `fahrenheit is -459.68, ${COLD}`],
  [422, { path: '/?fahrenheit=-1e400' }, `fahrenheit is -Infinity, ${COLD}`],
  [422, { path: '/?fahrenheit=1e400' }, `fahrenheit ${HUGE}`],
  [400, post(''), `The body is empty; ${BODY}`],
  [400, post('{"fahrenheit":'), `The body is not valid JSON; ${BODY}`],
  [400, post('{"fahrenheit":NaN}'), `The body is not valid JSON; ${BODY}`],
  [400, post('{"fahrenheit":0x10}'), `The body is not valid JSON; ${BODY}`],
  [400, post('\u0000\uffff'), `The body is not valid JSON; ${BODY}`],
  [400, post('{"fahrenheit":' + '['.repeat(500_000)), `The body is not valid JSON; ${BODY}`],
  [400, post('212'), `The body is 212; ${BODY}`],
  [400, post('null'), `The body is null; ${BODY}`],
  [400, post('[212]'), `The body is an array; ${BODY}`],
  [400, post('{}'), `The member fahrenheit is missing; ${BODY}`],
  [400, post('{"__proto__":{"fahrenheit":1}}'), `The member fahrenheit is missing; ${BODY}`],
  [400, post('{"fahrenheit":1,"unit":"F"}'), `The member "unit" is not known; ${BODY}`],
  [400, post('{"fahrenheit":1,"fahrenheit":2}'), `The member fahrenheit is repeated; ${BODY}`],
  [400, post('{"fahrenheit":"212"}'), `fahrenheit is "212"; ${NUMBER}`],
  [400, post('{"fahrenheit":null}'), `fahrenheit is null; ${NUMBER}`],
  [400, post('{"fahrenheit":true}'), `fahrenheit is true; ${NUMBER}`],
  [400, post('{"fahrenheit":{}}'), `fahrenheit is an object; ${NUMBER}`],
  [400, post('{"fahrenheit":[0,1,null]}'), `fahrenheit[2] is null; ${NUMBER}`],
  [400, post('{"fahrenheit":[0,[1]]}'), `fahrenheit[1] is an array; ${NUMBER}`],
  [400, post('{"fahrenheit":[0,"1"]}'), `fahrenheit[1] is "1"; ${NUMBER}`],
  [422, post('{"fahrenheit":[0,-500]}'), `fahrenheit[1] is -500, ${COLD}`],
  [422, post('{"fahrenheit":[0,1e999]}'), `fahrenheit[1] ${HUGE}`],
  [
    400,
    post('\ufeff{"fahrenheit":1}'),
    'The body begins with a byte order mark; accepted is JSON in UTF-8 without one.',
  ],
  ...[utf16('{"fahrenheit":1}'), utf16('\ufeff{"fahrenheit":1}'), utf16(' ')].flatMap((littleEndian) =>
    [littleEndian, Buffer.from(littleEndian).swap16()].map((body): [number, Question, string] => [
      415,
      post(body),
      'The body is in UTF-16; accepted is JSON in UTF-8.',
    ]),
  ),
  [413, post(convertible(10_001)), 'fahrenheit has 10001 values; accepted are at most 10000.'],
  [413, post('9'.repeat(2 ** 20 + 1)), 'The body is too large; accepted are at most 1048576 bytes.'],
  [415, post('{"fahrenheit":1}', {}), `The content type is missing; ${MEDIA_TYPE}`],
  [415, post('{"fahrenheit":1}', { 'content-type': 'x' }), `The content type is "x"; ${MEDIA_TYPE}`],
  [415, post('fahrenheit=1', { 'content-type': 'text/plain' }), `The content type is "text/plain"; ${MEDIA_TYPE}`],
  [
    415,
    post('{"fahrenheit":1}', { 'content-type': 'application/json; charset=latin1' }),
    `The content type is "application/json; charset=latin1"; ${MEDIA_TYPE}`,
  ],
  ...['utf-16', 'utf-8x', 'utf--8', ''].map((charset): [number, Question, string] => [
    415,
    post('{"fahrenheit":1}', { 'content-type': `application/json; charset="${charset}"` }),
    `The content type is "application/json; charset=\\"${charset}\\""; ${MEDIA_TYPE}`,
  ]),
  [
    415,
    post('{"fahrenheit":1}', { ...JSON_TYPE, 'content-encoding': 'gzip' }),
    'The content encoding is "gzip"; accepted is a body without one.',
  ],
  [431, { path: `/?fahrenheit=${'9'.repeat(100_000)}` }, HEAD],
  [431, post('{"fahrenheit":1}', { ...JSON_TYPE, cookie: 'x'.repeat(20_000) }), HEAD],
  [404, { path: '/nothing?fahrenheit=212' }, NOWHERE],
  [404, { path: '//?fahrenheit=212' }, NOWHERE],
  [404, { path: '/%zz' }, NOWHERE],
  [404, { path: '/favicon.ico' }, NOWHERE],
  [404, { path: '/healthz/' }, NOWHERE],
  ...['PUT', 'PATCH', 'DELETE', 'TRACE', 'QUERY'].map((method): [number, Question, string] => [
    405,
    { method, path: '/?fahrenheit=212' },
    `The method ${method} is not known here; accepted are GET, HEAD, POST, OPTIONS.`,
  ]),
  ...['/healthz', '/readyz', '/metrics'].map((path): [number, Question, string] => [
    405,
    { method: 'POST', path },
    'The method POST is not known here; accepted are GET, HEAD, OPTIONS.',
  ]),
];

test('function/openapi.yaml is an OpenAPI document of this version', async () => {
  expect(await new Validator().validate('function/openapi.yaml')).toEqual({ valid: true });
  expect(openApi.info.version).toBe(packageJson.version);
});

const services: [string, () => Promise<Service>][] = RUNTIMES.flatMap((runtime): typeof services => [
  [`the sources on ${runtime}`, () => startHere(runtime)],
  [`the bundle on ${runtime}`, () => startProcess(BUNDLE, { FUNCTION_RUNTIME: runtime })],
]);

describe.each(services)('%s', (_, start) => {
  let service: Service;
  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service.stop());

  async function check(question: Question): Promise<Answer> {
    const answer = await ask(service, question);
    checkContract(question, answer);
    return answer;
  }

  test.each(accepted)('converts %s', async (_, question, celsius) => {
    const answer = await check(question);
    const { appId, ...rest } = JSON.parse(answer.text) as { appId: string };
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(rest).toEqual({ celsius });
    expect(uuidVersion(appId)).toBe(4);
  });

  test.each(refused.map((row, index) => [index, ...row] as const))('refuses case %i with %i', async (...row) => {
    const [, status, question, detail] = row;
    const answer = await check(question);
    expect(JSON.parse(answer.text)).toMatchObject({ status, detail });
    expect(answer.status).toBe(status);
  });

  test('keeps its appId', async () => {
    const answers = [await check({ path: '/?fahrenheit=1' }), await check(post('{"fahrenheit":[]}'))];
    const [first, second] = answers.map(({ text }) => (JSON.parse(text) as { appId: string }).appId);
    expect(first).toBe(second);
  });

  test.each(['/?fahrenheit=212', '/?fahrenheit=x', '/healthz', '/readyz', '/metrics'])(
    'answers HEAD %s as GET, without content',
    async (path) => {
      const get = await check({ path });
      const head = await check({ method: 'HEAD', path });
      expect(head.text).toBe('');
      expect(head.status).toBe(get.status);
      expect(head.headers['content-type']).toBe(get.headers['content-type']);
      if (path !== '/metrics') expect(head.headers['content-length']).toBe(get.headers['content-length']);
    },
  );

  test.each([
    ['/', 'GET, HEAD, POST, OPTIONS'],
    ['*', 'GET, HEAD, POST, OPTIONS'],
    ['/healthz', 'GET, HEAD, OPTIONS'],
  ])('answers OPTIONS %s', async (path, allow) => {
    const answer = await ask(service, { method: 'OPTIONS', path });
    expect(answer).toMatchObject({ status: 204, text: '', headers: { allow } });
  });

  test('understands a target in absolute form', async () => {
    const answer = await ask(service, { path: 'http://example.org/?fahrenheit=212' });
    expect(JSON.parse(answer.text)).toMatchObject({ celsius: 100 });
  });

  test('is alive and ready', async () => {
    for (const path of ['/healthz', '/readyz']) {
      expect(await check({ path })).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    }
  });

  test('survives anything in a query and in a body', async () => {
    const anything = fc.oneof(
      fc.json(),
      fc.json().map((json) => `{"fahrenheit":${json}}`),
      fc.string({ unit: 'binary', maxLength: 100 }),
      fc.array(fc.double()).map((values) => JSON.stringify({ fahrenheit: values })),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (text) => {
        const answers = [
          await check({ path: `/?fahrenheit=${encodeURIComponent(text.toWellFormed())}` }),
          await check(post(text)),
        ];
        return answers.every(({ status }) => status < 500);
      }),
      { numRuns: 200 },
    );
    expect((await check({ path: '/?fahrenheit=212' })).status).toBe(200);
  });
});

test('an error inside the service is answered with 500, and only the log has the details', async () => {
  const server = createServer((_req, res) => sendError(res, new TypeError('a secret'))).listen(0);
  await once(server, 'listening');
  const answer = await ask(server.address() as AddressInfo);
  server.close();
  expect(answer).toMatchObject({ status: 500, headers: { 'content-type': 'application/problem+json' } });
  expect(answer.text).not.toContain('secret');
});

test('the tests above have seen every answer that the document promises', () => {
  // 503 needs a process that is shutting down, so function/test/shutdown.test.ts validates that answer.
  const unseen = promised().filter((promise) => !seen.has(promise) && !promise.startsWith('options'));
  expect(unseen).toEqual(['get /readyz 503']);
});
