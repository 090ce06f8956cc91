// Makes logs like those of the load test, with an archive at the end.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { packTar } from 'modern-tar';
import { fileName, kindsOfLoad, type Interface } from '../../results/files.ts';

/** Returns the files that a load test writes. These are for tests, so their figures mean nothing. */
export function filesOf(target: Interface): Map<string, Buffer> {
  const folder = 'results/test/fixtures/run/autoscale/1';
  return new Map(
    kindsOfLoad(target === 'function').map((kind) => [
      fileName(target, kind),
      readFileSync(`${folder}/${fileName('function', kind)}`),
    ]),
  );
}

export async function pack(files: Iterable<[name: string, content: Buffer]>): Promise<Buffer> {
  const entries = [...files].map(([name, body]) => ({ header: { name, size: body.length }, body }));
  return gzipSync(await packTar(entries));
}

export function logOf(target: string, archive: Buffer): string {
  return [
    '[2026-11-23 18:06:05,000] INFO/locust.main: Starting Locust 2.47.0',
    '',
    '-----BEGIN F2C RESULTS-----',
    `archive: ${target}.tar.gz`,
    `bytes: ${archive.length}`,
    `sha256: ${createHash('sha256').update(archive).digest('hex')}`,
    ...(archive.toString('base64').match(/.{1,76}/g) ?? []).map((line) => `:${line.padEnd(76, '=')}`),
    '-----END F2C RESULTS-----',
    '',
  ].join('\n');
}
