// Runs `npm run collect` as a command.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { filesOf, logOf, pack } from './log.ts';

const INVALID = filesOf('function');
const LOG = logOf('function', await pack(INVALID));

test('VALID: 0, with the figures and the files', async () => {
  const files = changed('function_verdict.json', (text) => {
    const verdict = JSON.parse(text) as object;
    return JSON.stringify({ ...verdict, verdict: 'VALID', reasons: [] });
  });
  const folder = join(temporary(), 'made/here');
  const { exitCode, stdout, stderr } = await collect(logOf('function', await pack(files)), folder);
  const listed = [...files].map(([name, { length }]) => `${folder}/${name} ${length} bytes`);
  const figures = '38 requests in 3 s, 12.7/s, 17 failed; 100 % of them: LocustBadStatusCode(code=404)';
  expect(stdout.split('\n')).toEqual([`VALID function: ${figures}`, ...listed]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  for (const [name, content] of files) expect(readFileSync(join(folder, name))).toEqual(content);
});

test('INVALID: 3, with the reasons', async () => {
  const folder = temporary();
  const { exitCode, stdout } = await collect(LOG, folder);
  expect(exitCode).toBe(3);
  expect(stdout).toMatch(/^INVALID function: 1 answer was wrong\.\n/);
  expect(readdirSync(folder)).toHaveLength(INVALID.size);
});

test.each([
  ['UTF-16, in which PowerShell 5 saves', Buffer.from(`\uFEFF${LOG}`, 'utf16le')],
  ['UTF-16 with the high bytes first', Buffer.from(`\uFEFF${LOG}`, 'utf16le').swap16()],
  ['UTF-8 with a byte order mark', Buffer.from(`\uFEFF${LOG.slice(LOG.indexOf('-----BEGIN'))}`)],
])('a log in %s', async (_, log) => {
  const { exitCode, stderr } = await collect(log, temporary());
  expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: '' });
});

test('no archive: 1, and no folder', async () => {
  const folder = join(temporary(), 'new');
  const { exitCode, stdout, stderr } = await collect('BROKEN function: Locust has ended.\n', folder);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toBe('There is no archive in this log. The load test says in it: BROKEN function: Locust has ended.');
  expect(existsSync(folder)).toBe(false);
});

test('a file that its reader rejects: 1, and the files are kept', async () => {
  const files = changed('function_steps.csv', (text) => text.slice(0, -1));
  const folder = temporary();
  const { exitCode, stdout, stderr } = await collect(logOf('function', await pack(files)), folder);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toBe(`${folder}/function_steps.csv, line 3: the line is cut off, and maybe others are lost.`);
  expect(readdirSync(folder)).toHaveLength(files.size);
});

test('a file that is there already: 2, and it stays as it is', async () => {
  const folder = temporary();
  writeFileSync(join(folder, 'function_steps.csv'), 'mine');
  const { exitCode, stderr } = await collect(LOG, folder);
  expect(exitCode).toBe(2);
  expect(stderr).toBe(`error: already there: ${folder}/function_steps.csv; give another folder`);
  expect(readdirSync(folder)).toEqual(['function_steps.csv']);
  expect(readFileSync(join(folder, 'function_steps.csv'), 'utf8')).toBe('mine');
});

test.each([
  [[], "error: missing required argument 'folder'"],
  [['one', 'two'], 'error: too many arguments. Expected 1 argument but got 2'],
  [['package.json/folder'], "error: package.json/folder can't be written: ENOTDIR"],
])('wrong use %j: 2', async (args, message) => {
  const { exitCode, stderr } = await collect(LOG, ...args);
  expect(exitCode).toBe(2);
  expect(stderr.startsWith(message), stderr).toBe(true);
});

function changed(name: string, change: (text: string) => string): Map<string, Buffer> {
  return new Map([...INVALID, [name, Buffer.from(change(INVALID.get(name)!.toString()))]]);
}

async function collect(log: string | Buffer, ...args: string[]) {
  return execa('node', ['compare/collect.ts', ...args], { input: log, reject: false });
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'collect-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}
