// Finds the archive that the load test prints at the end of its log, checks it, and unpacks it.

import { hash } from 'node:crypto';
import { stripVTControlCharacters } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { Failure } from '../../lib/failure.ts';
import { fileName, kindsOfLoad, type Interface } from '../../results/files.ts';
import type { Files } from './files.ts';

const BEGIN = '-----BEGIN F2C RESULTS-----';
const END = '-----END F2C RESULTS-----';

/** Characters of each line of base64; the last one is filled up with `=`. */
const WIDTH = 76;

/** The line with which the load test says how it went. The archive, where there is one, comes after it. */
const OUTCOME = /(?<![\w./-])(?:(?:VALID|INVALID|BROKEN) [\w-]+|f2c_loadtest|Worker of \S+): .+?(?="[,}]|"?$)/gm;
/** The beginning of a line that Locust, or a process of it, has logged. */
const LOCUST = /\[[\d :,-]+\] \S*\w+\/locust[.\w]*: /;

/**
 * @param log the log of one pod of the load test. It may have other lines too, and other programs may have put anything
 *   before and behind each line.
 * @returns the target of the load, and the files of its results
 * @throws Failure that says how the archive is damaged
 */
export async function unpack(log: string): Promise<{ target: Interface; files: Files }> {
  const text = framed(plain(log));
  // Its lines are found wherever they stand in a line of the log. The size and the checksum tell if it was not them.
  const head = [/archive: ([\w.-]+)/, /bytes: (\d+)/, /sha256: ([\da-f]{64})/];
  const [name, bytes, sha256] = head.map((line) => line.exec(text)?.[1]);
  if (!name || !bytes || !sha256) throw damaged('its head is not complete');
  const [, target] = /^([a-z\d][-a-z\d]*)\.tar\.gz$/.exec(name) ?? [];
  if (target === undefined) throw damaged(`its name is ${JSON.stringify(name)}`);
  const lines = text.match(/[A-Za-z\d+/]+=*/g)?.filter(({ length }) => length === WIDTH) ?? [];
  const archive = Buffer.from(lines.join(''), 'base64');
  if (archive.length !== Number(bytes)) throw damaged(`it has ${archive.length} bytes instead of ${bytes}`);
  if (hash('sha256', archive) !== sha256) throw damaged('its checksum is wrong');
  return { target, files: await filesIn(archive, target) };
}

function damaged(how: string): Failure {
  return new Failure(`The archive in the log is damaged: ${how}. Read the log again; if it stays so, run it again.`);
}

/** Undoes what programs do to the text itself: colours, and the escapes of JSON. */
function plain(log: string): string {
  const unescaped = log
    .replaceAll(/\\u([\da-fA-F]{4})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)))
    .replaceAll(/\\[nr]/g, '\n')
    .replaceAll('\\/', '/');
  return stripVTControlCharacters(unescaped);
}

/** The text between the two marker lines: a head that describes the archive, and lines of base64. */
function framed(log: string): string {
  const begin = log.indexOf(BEGIN);
  const end = log.indexOf(END);
  if (begin !== log.lastIndexOf(BEGIN) || end !== log.lastIndexOf(END)) {
    throw new Failure('There are several archives in this log: give the log of one pod at a time.');
  }
  if (begin < 0 && end < 0) throw new Failure(whyNone(log));
  if (begin < 0 || (end >= 0 && end < begin)) {
    throw new Failure(
      'The beginning of the archive is missing in this log: the node has thrown away the older part of it. ' +
        'Print less before it, or keep the results in a volume.',
    );
  }
  if (end < 0) {
    throw new Failure(
      'The end of the archive is missing in this log: the pod was ended while it printed, or the log was cut off. ' +
        'Read the log again; if it stays so, run it again.',
    );
  }
  return log.slice(begin + BEGIN.length, end);
}

/** Says why a log has no archive, as far as its own lines tell. */
function whyNone(log: string): string {
  if (log.trim() === '') {
    return 'There is no archive, because the log is empty. Has the command that reads the log printed an error?';
  }
  const outcome = log.match(OUTCOME)?.at(-1);
  if (outcome !== undefined) return `There is no archive in this log. The load test says in it: ${outcome}`;
  if (LOCUST.test(log)) {
    return (
      'There is no archive in this log, and no verdict: it ends before the load test did. Read the log again when the ' +
      'load test has ended; if it has, `kubectl describe pod` tells what ended it.'
    );
  }
  return 'There is no archive in this text, nor any other line of a load test. Is it the whole log of its pod?';
}

async function filesIn(archive: Buffer, target: Interface): Promise<Files> {
  const [all, expected] = [true, false].map((namesReplicas) =>
    kindsOfLoad(namesReplicas).map((kind) => fileName(target, kind)),
  ) as [string[], string[]];
  const files: Files = new Map();
  for (const { header, data } of await entriesOf(archive)) {
    if (header.type !== 'file' || !all.includes(header.name) || files.has(header.name)) {
      throw wrong(`has ${JSON.stringify(header.name)} in it, which is not, or not once, a result of ${target}`);
    }
    files.set(header.name, Buffer.from(data ?? []));
  }
  const missing = expected.filter((name) => !files.has(name));
  if (missing.length > 0) throw wrong(`lacks ${missing.join(', ')}`);
  return files;
}

async function entriesOf(archive: Buffer) {
  try {
    return await unpackTar(gunzipSync(archive), { strict: true });
  } catch (error) {
    throw wrong(`is not a tar.gz: ${(error as Error).message}`);
  }
}

/** Makes the error for an archive that is not damaged, but has the wrong content. */
function wrong(how: string): Failure {
  return new Failure(
    `The archive ${how}, though it came as the load test packed it: is its image of the same version as this command?`,
  );
}
