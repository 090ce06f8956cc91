// Runs the commands that the charts' notes give. Helm shows notes only after it has reached a cluster, even in a dry run.

import { execaSync } from 'execa';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

describe.each(['chart', 'tfserving/chart'])('the notes of %s', (chart) => {
  test.each(['NodePort', 'LoadBalancer'])('find a URL on a %s, with IPv6 and without', (type) => {
    expect(urlOf(chart, type, 'fd00::1')).toMatch(/^http:\/\/\[fd00::1\]:\d+\/$/);
    expect(urlOf(chart, type, '10.0.0.1')).toMatch(/^http:\/\/10\.0\.0\.1:\d+\/$/);
  });

  test('say what to do where no node can be reached', () => {
    expect(notesOf(chart)).toContain('kubectl port-forward');
  });
});

function notesOf(chart: string, ...args: string[]): string {
  const { stdout } = execaSync('helm', ['install', '--dry-run=client', 'f2c', chart, ...args]);
  return stdout.slice(stdout.indexOf('\nNOTES:'));
}

/** Runs what the notes say, with a kubectl that knows one address. @returns the URL that it asks, as a client reads it */
function urlOf(chart: string, type: string, address: string): string {
  const notes = notesOf(chart, '--set', `service.type=${type}`);
  const [, commands = ''] = /Convert 212 °F:\n([^]*?)\n *curl /.exec(notes) ?? [];
  const folder = mkdtempSync(join(tmpdir(), 'f2c-notes-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const kubectl = `#!/bin/sh\ncase "$*" in *nodePort*) echo 30080 ;; *wait*) ;; *) echo '${address}' ;; esac\n`;
  writeFileSync(join(folder, 'kubectl'), kubectl);
  chmodSync(join(folder, 'kubectl'), 0o755);
  const env = { PATH: [folder, process.env.PATH].join(delimiter) };
  const { stdout } = execaSync('sh', ['-c', `${commands}\necho "$URL"`], { env });
  return new URL(stdout.trim()).href.replace(/:\/\/([^/]*[^\d/:]|[\d.]+|\[.*\])\/$/, '://$1:80/');
}
