// Tests how archives are read from logs, both whole and damaged ones.

import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../lib/failure.ts';
import { unpack } from '../run/archive.ts';
import { filesOf, logOf, pack } from './log.ts';

const FILES = filesOf('function');
const ARCHIVE = await pack(FILES);
const LOG = logOf('function', ARCHIVE);
const WHOLE = { target: 'function', files: FILES };

describe('a whole archive', () => {
  test('is unpacked', async () => {
    expect(await unpack(LOG)).toEqual(WHOLE);
    const files = filesOf('tfserving');
    expect(await unpack(logOf('tfserving', await pack(files)))).toEqual({ target: 'tfserving', files });
  });

  test('made by tar', async () => {
    const folder = 'results/test/fixtures/run/autoscale/1';
    const archive = execFileSync('tar', ['-c', '-z', '-f', '-', '-C', folder, ...FILES.keys()]);
    expect(await unpack(logOf('function', archive))).toEqual(WHOLE);
  });

  test('is found among other lines of the log, whatever ends the lines', async () => {
    const noise = fc.array(fc.string({ unit: 'binary' })).map((lines) => lines.map((line) => `${line}\n`).join(''));
    await fc.assert(
      fc.asyncProperty(noise, noise, fc.constantFrom('\n', '\r\n', '\r\r\n'), async (before, after, end) => {
        expect(await unpack(`${before}${LOG}${after}`.replaceAll('\n', end))).toEqual(WHOLE);
      }),
    );
  });
});

describe('an archive whose lines another program has changed', () => {
  const time = '2026-11-23T18:06:05.123456789Z';
  const pod = 'f2c-loadtest-2a3c1119-x7k2p';
  const each = (change: (line: string, number: number) => string) => LOG.split('\n').map(change).join('\n');
  const before = (prefix: string) => each((line) => prefix + line);
  test.each([
    ['kubectl logs --timestamps', before(`${time} `)],
    ['kubectl logs --timestamps, on a node with another time zone', before('2026-11-23T19:06:05+01:00 ')],
    ['kubectl logs --prefix', before(`[pod/${pod}/f2c-loadtest] `)],
    ['kubectl logs --prefix --timestamps', before(`[pod/${pod}/f2c-loadtest] ${time} `)],
    ['stern', before(`${pod} f2c-loadtest `)],
    ['stern with colours', before(`\u001b[35m${pod}\u001b[0m \u001b[95mf2c-loadtest\u001b[0m `)],
    ['stern --output=json', each((message) => JSON.stringify({ message, nodeName: 'a', namespace: 'f2c' }))],
    ['docker compose logs', before('loadtest-1  | ')],
    ['docker compose logs with colours', before('\u001b[36mloadtest-1  |\u001b[0m ')],
    ['a colour around each line, next to it', each((line) => `\u001b[32m${line}\u001b[0m`)],
    ['the files of Docker', each((line) => JSON.stringify({ log: `${line}\n`, stream: 'stdout', time }))],
    ['the files of a kubelet', before(`${time} stdout F `)],
    ['journalctl', before('Nov 23 18:06:05 node1 f2c-loadtest[4711]: ')],
    ['logfmt', each((line) => `level=info msg=${line} pod=${pod}`)],
    ['a JSON that escapes every slash', each((message) => JSON.stringify({ message }).replaceAll('/', '\\/'))],
    ['a JSON with all lines in one text, and colours', JSON.stringify({ log: `\u001b[32m${LOG}` })],
    ['a bug report, indented', before('    ')],
    ['a bug report, quoted', before('> ')],
    ['a diff', before('+')],
    ['less -N', each((line, number) => `${String(number).padStart(7)} ${line}`)],
    ['a table', each((line) => `| ${time} | ${line} |`)],
    ['the lines of other pods in between', each((line) => `${line}\nGET /healthz 200 0.1 ms`)],
  ])('%s: is unpacked', async (_, marked) => {
    expect(await unpack(marked)).toEqual(WHOLE);
    // Some editors cut the space off where the rest of the line is empty.
    expect(await unpack(marked.replaceAll(/ +$/gm, ''))).toEqual(WHOLE);
  });

  test('anything on the same line, as long as the line itself is whole', async () => {
    const text = fc.string({ unit: 'binary' }).map((string) => string.replaceAll(/[\p{Cc}\\]/gu, ''));
    await fc.assert(
      fc.asyncProperty(text, text, async (prefix, suffix) => {
        expect(await unpack(each((line) => `${prefix}${line} ${suffix}`))).toEqual(WHOLE);
      }),
    );
  });
});

describe('a damaged archive', () => {
  const lines = LOG.split('\n');
  const line = fc.nat(lines.length - 1);
  const place = fc.nat(LOG.length - 1);
  const damages = {
    'a line is lost': line.map((index) => lines.toSpliced(index, 1).join('\n')),
    'a line is there twice': line.map((index) => lines.toSpliced(index, 0, lines[index]!).join('\n')),
    'two lines are swapped': fc
      .tuple(line, line)
      .map(([a, b]) => lines.with(a, lines[b]!).with(b, lines[a]!).join('\n')),
    'another line is in between': fc
      .tuple(line, fc.string())
      .map(([index, text]) => lines.toSpliced(index, 0, text).join('\n')),
    'a character is another one': fc
      .tuple(place, fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }))
      .map(([index, character]) => LOG.slice(0, index) + character + LOG.slice(index + 1)),
    'a character is lost': place.map((index) => LOG.slice(0, index) + LOG.slice(index + 1)),
    'the end is lost': place.map((index) => LOG.slice(0, index)),
    'the beginning is lost': place.map((index) => LOG.slice(index)),
    'a part is lost': fc.tuple(place, place).map(([a, b]) => LOG.slice(0, Math.min(a, b)) + LOG.slice(Math.max(a, b))),
  };

  test.each(Object.entries(damages))('%s: an error, or the same files', async (_, damaged) => {
    await fc.assert(
      fc.asyncProperty(damaged, async (log) => {
        try {
          expect(await unpack(log)).toEqual(WHOLE);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });

  const [begin, end] = ['-----BEGIN F2C RESULTS-----\n', '-----END F2C RESULTS-----\n'];
  test.each([
    ['', 'There is no archive, because the log is empty. Has the command that reads the log printed an error?'],
    [LOG.slice(0, LOG.indexOf(begin)), 'There is no archive in this log, and no verdict: it ends before the load test'],
    [
      '[2026-11-23 18:06:05,000] f2c-loadtest-x7k2p/WARNING/locust.runners: CPU usage above 90%!',
      'There is no archive in this log, and no verdict',
    ],
    ['Error from server', 'There is no archive in this text, nor any other line of a load test. Is it the whole log'],
    [
      '[pod/a/b] 2026-11-23T18:06:05Z BROKEN function: Locust has ended by SIGKILL, as also happens when memory runs out\n',
      'in this log. The load test says in it: BROKEN function: Locust has ended by SIGKILL, as also happens when memory runs out',
    ],
    [
      '{"log":"INVALID function: 1 answer was \\"wrong\\".\\n","stream":"stdout"}',
      /in it: INVALID function: 1 answer was \\"wrong\\"\.$/,
    ],
    ['loadtest-1  | \u001b[31mBROKEN function: out of disk\u001b[0m', /in it: BROKEN function: out of disk$/],
    ['pod x [2026-11-23 18:06:05,000] x/INFO/locust.main: Starting', 'no verdict: it ends before the load test did'],
    ['f2c_loadtest: --users=0 is not wanted.', 'The load test says in it: f2c_loadtest: --users=0 is not wanted.'],
    ['Worker of a-master: done; the verdict is there.', 'The load test says in it: Worker of a-master: done;'],
    [LOG.slice(LOG.indexOf(begin) + 5), 'The beginning of the archive is missing in this log'],
    [LOG.slice(0, LOG.indexOf(end)), 'The end of the archive is missing in this log: the pod was ended while'],
    [LOG + LOG, 'There are several archives in this log: give the log of one pod at a time.'],
    [
      LOG.replace(/^bytes: .*\n/m, ''),
      'The archive in the log is damaged: its head is not complete. Read the log again',
    ],
    [LOG.replace('function.tar', 'an_other.tar'), 'damaged: its name is "an_other.tar.gz".'],
    [LOG.replace(lines[7]!, 'Traceback (most'), `damaged: it has ${ARCHIVE.length - 57} bytes instead of`],
    [LOG.replace(`${lines[8]!}\n`, ''), `damaged: it has ${ARCHIVE.length - 57} bytes instead of ${ARCHIVE.length}.`],
    [LOG.replace(lines[8]!, lines[9]!), 'damaged: its checksum is wrong.'],
  ])('gives an error that says what is wrong: %$', async (log, message) => {
    await expect(unpack(log)).rejects.toThrow(message);
    await expect(unpack(log)).rejects.toBeInstanceOf(Failure);
  });
});

describe('an undamaged archive with wrong content', () => {
  const content = Buffer.from('content');
  const changed = (changes: [string, Buffer][]) => pack([...FILES, ...changes]);
  const without = (name: string) => pack([...FILES].filter(([each]) => each !== name));

  test.each([
    ['no tar.gz', Buffer.from('content'), 'is not a tar.gz: incorrect header check'],
    ['a cut tar.gz', ARCHIVE.subarray(0, -20), 'is not a tar.gz: unexpected end of file'],
    ['a file in a folder', changed([['more/function_stats.csv', content]]), 'has "more/function_stats.csv" in it'],
    ['a path upwards', changed([['../function_stats.csv', content]]), 'has "../function_stats.csv" in it'],
    ['an absolute path', changed([['/function_stats.csv', content]]), 'has "/function_stats.csv" in it'],
    ['another kind of file', changed([['function_report.html', content]]), 'has "function_report.html" in it'],
    ['a file of compare', changed([['function_timeline.csv', content]]), 'has "function_timeline.csv" in it'],
    ['a file of the other target', changed([['tfserving_stats.csv', content]]), 'has "tfserving_stats.csv" in it'],
    [
      'a file twice',
      changed([['function_stats.csv', content]]),
      'has "function_stats.csv" in it, which is not, or not',
    ],
    ['a missing file', without('function_steps.csv'), 'The archive lacks function_steps.csv, though it came as'],
    ['nothing', pack([]), 'The archive lacks function_stats.csv, function_stats_history.csv,'],
  ])('%s', async (_, archive, message) => {
    await expect(unpack(logOf('function', await archive))).rejects.toThrow(message);
  });
});
