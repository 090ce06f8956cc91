// Reads servers files, and tells their mistakes.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../lib/failure.ts';
import { parseCases } from '../servers/cases.ts';
import { readServersFile } from '../servers/file.ts';
import { initServersFile } from '../servers/init.ts';
import { recordOf } from '../servers/record.ts';
import { SERVERS_FILE } from '../servers/schema.ts';

test('the schema that editors read is that of the servers file', async () => {
  const schema = toJsonSchema(SERVERS_FILE, { typeMode: 'input', errorMode: 'ignore' });
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('../servers/schema.json');
});

test('the load generator has the built-in servers as its default', async () => {
  await expect(`${recordOf(readServersFile())}\n`).toMatchFileSnapshot('../../loadtest/f2c_loadtest/built-in.json');
});

describe('a servers file with mistakes', () => {
  const CASES = 'sku,price\n007,1.5\n1e3,2\n';

  /** The mistakes that are told, without the folder of the files. */
  function mistakesIn(servers: string, cases = CASES): string[] {
    const folder = mkdtempSync(join(tmpdir(), 'f2c-servers-'));
    const file = join(folder, 'prices.yaml');
    writeFileSync(file, servers);
    writeFileSync(join(folder, 'prices.csv'), cases);
    try {
      readServersFile(file);
      return [];
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return error.message.replaceAll(`${folder}/`, '').split('\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  const RIGHT = `title: Which is faster?
baseline: one
cases: { file: prices.csv, columns: { sku: string, price: number } }
servers:
  one:
    image: me/one:1
    port: 8000
    interfaces:
      http:
        ask: { method: GET, path: '/price{?sku}' }
        many: { method: POST, path: /prices, json: { skus: '{sku}' } }
        answer: { at: /price, is: price, within: 1e-9, many: /prices }
  two:
    url: https://two.example.com/v1
    interfaces:
      grpc: { grpc: price.v1.Prices/Get, ask: { sku: '{sku}' }, answer: { at: /price, is: price } }
`;

  test('is none when all is right', () => expect(mistakesIn(RIGHT)).toEqual([]));

  test.each<[string, string, string, string]>([
    [
      'a word that is not known',
      'title:',
      'titel:',
      'prices.yaml:1: titel: "titel"; known here are title, baseline, cases',
    ],
    [
      'a server that is not there',
      'baseline: one',
      'baseline: three',
      'prices.yaml:2: baseline: "three"; one of one, two is wanted',
    ],
    [
      'a type that is guessed',
      'sku: string',
      'sku: text',
      'prices.yaml:3: cases.columns.sku: "text"; one of string, number, integer, boolean',
    ],
    [
      'a key that Kubernetes refuses',
      '  two:',
      '  Two:',
      'prices.yaml:13: servers.Two: "Two"; a key is wanted, as names in Kubernetes are',
    ],
    [
      'a port that is none',
      'port: 8000',
      'port: 80000',
      'prices.yaml:7: servers.one.port: 80000; a port is wanted, from 1 to 65535',
    ],
    [
      'a password in an address',
      'https://two',
      'https://:secret@two',
      'prices.yaml:14: servers.two.url: "https://:secret@two.example.com/v1"; an address without a user is wanted',
    ],
    [
      'no way to run it',
      '    image: me/one:1\n',
      '',
      'prices.yaml:5: servers.one: nothing says how it runs: image, chart, command or url is wanted',
    ],
    [
      'what is of no use',
      'port: 8000',
      'port: 8000\n    release: it',
      'prices.yaml:8: servers.one.release: it is of use with a chart only',
    ],
    [
      'a secret that is not set',
      'port: 8000',
      'port: 8000\n    env: { A: { fromEnv: F2C_NOT_SET } }',
      'prices.yaml:8: servers.one.env.A: the variable F2C_NOT_SET is not set in the environment',
    ],
    [
      'a number for an environment',
      'port: 8000',
      'port: 8000\n    env: { WORKERS: 1 }',
      'prices.yaml:8: servers.one.env.WORKERS: 1; text is wanted, in quotes, or { fromEnv: NAME }',
    ],
    [
      'a column in a path that is not there',
      '{?sku}',
      '{?id}',
      'prices.yaml:10: servers.one.interfaces.http.ask.path: "id" is none of the columns in `cases`: sku, price',
    ],
    [
      'a column in a body that is not there',
      "'{sku}' } }\n        answer",
      "'{id}' } }\n        answer",
      'prices.yaml:11: servers.one.interfaces.http.many.json: "id" is none of the columns',
    ],
    [
      'a pointer that is none',
      'at: /price, is: price, within',
      'at: price, is: price, within',
      'prices.yaml:12: servers.one.interfaces.http.answer.at: "price"; a JSON pointer is wanted (RFC 6901)',
    ],
    [
      'a tolerance of text',
      'is: price, within',
      'is: sku, within',
      'prices.yaml:12: servers.one.interfaces.http.answer.within: it is of use with numbers only',
    ],
    ['a password in an address', 'https://two', 'https://me:secret@two', 'prices.yaml:14: servers.two.url'],
    [
      'a protocol that is not known',
      "grpc: price.v1.Prices/Get, ask: { sku: '{sku}' }",
      'protocol: triton',
      'prices.yaml:16: servers.two.interfaces.grpc.protocol: "triton"; one of open-inference, ',
    ],
    [
      'a protocol without its model',
      "grpc: price.v1.Prices/Get, ask: { sku: '{sku}' }",
      'protocol: tensorflow-serving, column: price',
      'prices.yaml:16: servers.two.interfaces.grpc: model: it is missing; tensorflow-serving needs it',
    ],
    [
      'files of the same name',
      '  two:',
      '  one-again:',
      'prices.yaml:16: servers.one-again.interfaces.grpc: its files would begin with one-again',
    ],
    [
      'a release that another has',
      '  two:',
      '  three: { chart: ., release: server-one, interfaces: {} }\n  two:',
      'prices.yaml:13: servers.three.release: server-one is what another has; give it another name',
    ],
    [
      'a folder in place of a file',
      'port: 8000',
      'port: 8000\n    files: { /etc/prices: . }',
      'is a folder; a file is wanted',
    ],
    [
      'files that are too large',
      'port: 8000',
      `port: 8000\n    files: { /bin/node: ${process.execPath} }`,
      'bytes together; 700000 are accepted: put larger ones into the image',
    ],
    ['no YAML', 'title: Which', 'title: [Which', 'prices.yaml:2: '],
  ])('%s', (_, before, after, mistake) => {
    expect(RIGHT).toContain(before);
    expect(mistakesIn(RIGHT.replace(before, after))).toContainEqual(expect.stringContaining(mistake));
  });

  test.each<[string, string, string]>([
    ['a column that is missing', 'sku,cost\n1,2\n', 'prices.csv:1: there is no column price; the header has sku, cost'],
    ['no case', 'sku,price\n', 'prices.csv:1: there is no case below the header'],
    ['an empty cell for a number', 'sku,price\n1,2\n3,\n', 'prices.csv:3: price is ""; a number as JSON writes it'],
    ['a number with leading zeros', 'sku,price\n1,007\n', 'prices.csv:2: price is "007"; a number as JSON writes it'],
    ['a row that is too short', 'sku,price\n1\n', 'prices.csv:2: there are 1 cells instead of 2'],
  ])('in its cases: %s', (_, cases, mistake) => {
    expect(mistakesIn(RIGHT, cases)).toContainEqual(expect.stringContaining(mistake));
  });

  test('are all told, in their order', () => {
    const wrong = RIGHT.replace('{?sku}', '{?id}').replace('baseline: one', 'baseline: three');
    expect(mistakesIn(wrong)).toEqual([
      expect.stringMatching(/^prices.yaml:2:/),
      expect.stringMatching(/^prices.yaml:10:/),
    ]);
  });

  test('are all told at once, also those that the schema does not know, and nothing that follows from another', () => {
    const wrong = RIGHT.replace('title:', 'threats: none\ntitle:')
      .replace('{?sku}', '{?id}')
      .replace('port: 8000', 'port: 8000\n    env: { A: { fromEnv: F2C_NOT_SET } }')
      .replace('at: /price, is: price, within', 'at: price, is: price, within')
      .replace('https://two.example.com/v1', '8080');
    expect(mistakesIn(wrong, 'sku,price\n1,x\n').map((mistake) => mistake.replace(/;.*/, ''))).toEqual([
      'prices.yaml:1: threats: "none"',
      "prices.yaml:4: cases.file: its cases can't be used:",
      'prices.csv:2: price is "x"',
      'prices.yaml:9: servers.one.env.A: the variable F2C_NOT_SET is not set in the environment',
      'prices.yaml:12: servers.one.interfaces.http.ask.path: "id" is none of the columns in `cases`: sku, price',
      'prices.yaml:14: servers.one.interfaces.http.answer.at: "price"',
      'prices.yaml:16: servers.two.url: 8080',
    ]);
  });
});

test('the file to start from is right, and editors find its schema', () => {
  const folder = mkdtempSync(join(tmpdir(), 'f2c-init-'));
  const file = join(folder, 'mine.yaml');
  expect(initServersFile(file)).toBe(true);
  expect(initServersFile(file)).toBe(false);
  writeFileSync(join(folder, 'cases.csv'), 'id,price\n1,2\n');
  expect([...readServersFile(file).interfaces.keys()]).toEqual(['mine', 'other']);
  const [, schema = ''] = /\$schema=(.*)/.exec(readFileSync(file, 'utf8')) ?? [];
  expect(existsSync(join(folder, schema))).toBe(true);
  rmSync(folder, { recursive: true });
});

test('cases keep what their file has: 007 and 1e3 are text, and a number keeps its digits', () => {
  const cases = parseCases('a,b,c,d\n007,1e3,12345678901234567890,true\n"1,""5",-0.10,0,false\n', 'cases.csv', {
    a: 'string',
    b: 'number',
    c: 'integer',
    d: 'boolean',
  });
  expect(cases).toEqual({
    a: ['"007"', '"1,\\"5"'],
    b: ['1e3', '-0.10'],
    c: ['12345678901234567890', '0'],
    d: ['true', 'false'],
  });
});
