// Which cluster kubectl and Helm are told to work with. Both are fakes that write down how they were called.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openKubernetes } from '../kubernetes/api.ts';
import { connect, type Choice } from '../kubernetes/connection.ts';
import { openShell } from '../shell.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'f2c-connection-'));
  mkdirSync(join(folder, 'bin'));
  vi.stubEnv('PATH', [join(folder, 'bin'), process.env.PATH].join(delimiter));
  // What is left for the end of the process goes with the folder.
  vi.stubEnv('TMPDIR', folder);
  vi.stubEnv('KUBECONFIG', join(folder, 'config'));
  write('current', 'staging');
  write('view', JSON.stringify({ clusters: [{ name: 'of staging' }] }));
  const fakes = {
    kubectl: `case "$*" in
  *current-context*) [ -s current ] || { echo 'error: current-context is not set' >&2; exit 1; }; cat current ;;
  *'config view'*) cat view ;;
  *proxy*) exec "$NODE" server.cjs "$@" ;;
esac`,
    helm: '',
  };
  for (const [name, body] of Object.entries(fakes)) {
    const script = `#!/bin/sh\ncd '${folder}'\necho "${name} $*" >>calls\ncat "$KUBECONFIG" >>configs 2>/dev/null\n${body}\n`;
    write(`bin/${name}`, script);
    chmodSync(join(folder, 'bin', name), 0o755);
  }
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string) => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
};
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const calls = () => read('calls').trim().split('\n');
const bare = openShell(new AbortController().signal);
const said = vi.fn();
const open = (choice: Choice = {}) => connect(bare, choice, said);

describe('the cluster', () => {
  test('is read once, and stays the same when the context or the configuration changes', async () => {
    const { shell, name } = await open();
    expect(name).toBe('staging');
    write('current', 'production');
    write('view', JSON.stringify({ clusters: [{ name: 'of production' }] }));
    write('calls', '');
    write('configs', '');
    const { run } = shell(bare);
    await run('kubectl', ['delete', 'namespace', 'f2c']);
    await run('helm', ['uninstall', 'f2c']);
    expect(calls()).toEqual([
      'kubectl --context staging delete namespace f2c',
      'helm --kube-context staging uninstall f2c',
    ]);
    expect(read('configs')).toBe(JSON.stringify({ clusters: [{ name: 'of staging' }] }).repeat(2));
  });

  test('is the one that the user chooses', async () => {
    const { shell } = await open({ kubeconfig: join(folder, 'mine'), context: 'chosen' });
    expect(calls()).toEqual([
      `kubectl --kubeconfig ${folder}/mine --context chosen config view --minify --flatten --raw --output json`,
    ]);
    await shell(bare).run('helm', ['list']);
    expect(calls().at(-1)).toBe('helm --kube-context chosen list');
  });

  test('is what kubectl reaches without a context, as in a pod, and it says so', async () => {
    write('current', '');
    const { shell } = await open();
    await shell(bare).run('helm', ['list']);
    expect(calls().at(-1)).toBe('helm list');
    expect(said).toHaveBeenCalledWith(expect.stringContaining('no current context'), 'warning');
  });

  test('is not guessed where the configuration can’t be read', async () => {
    write('bin/kubectl', '#!/bin/sh\necho "error: yaml: line 3: mapping values are not allowed" >&2; exit 1\n');
    await expect(open()).rejects.toMatchObject({ details: expect.stringContaining('yaml: line 3') as string });
  });

  test('has a copy of its credentials that only the caller may read, with paths that hold there', async () => {
    write('other/token', '');
    write('bin/login', '');
    const users = (login: string) => [
      { user: { tokenFile: 'token' } },
      { user: { exec: { command: login } } },
      { user: { exec: { command: 'aws' } } },
    ];
    write('view', JSON.stringify({ users: users('./bin/login') }));
    vi.stubEnv('KUBECONFIG', [join(folder, 'config'), join(folder, 'other/config')].join(delimiter));
    const { env } = await open();
    const file = env.KUBECONFIG ?? '';
    const [token, ...others] = users(join(folder, 'bin/login'));
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      users: [{ ...token, user: { tokenFile: join(folder, 'other/token') } }, ...others],
    });
    expect([file, dirname(file)].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o700]);
  });
});

describe('an environment that points Helm elsewhere', () => {
  test.each([
    ['HELM_KUBECONTEXT', 'production'],
    ['HELM_KUBEAPISERVER', 'https://production:6443'],
    ['HELM_KUBETOKEN', 'secret'],
    ['HELM_KUBEASUSER', 'admin'],
    ['HELM_KUBEASGROUPS', 'admins'],
    ['HELM_KUBECAFILE', 'ca.crt'],
    ['HELM_KUBETLS_SERVER_NAME', 'production'],
    ['HELM_KUBEINSECURE_SKIP_TLS_VERIFY', 'true'],
    ['HELM_DRIVER', 'memory'],
  ])('is named and refused: %s=%s', async (name, value) => {
    vi.stubEnv(name, value);
    await expect(open()).rejects.toThrow(`unset ${name}.`);
    await expect(open()).rejects.not.toThrow('secret');
  });

  test.each([
    ['HELM_KUBECONTEXT', 'staging'],
    ['HELM_KUBEINSECURE_SKIP_TLS_VERIFY', 'false'],
    ['HELM_DRIVER', 'secret'],
    ['HELM_NAMESPACE', 'other'],
  ])('is none where both go to the same: %s=%s', async (name, value) => {
    vi.stubEnv(name, value);
    await expect(open()).resolves.toMatchObject({ name: 'staging' });
  });
});

test.each<[string, string, Choice]>([
  ['', 'kubectl --context staging', {}],
  ['/a/config', 'kubectl --kubeconfig /a/config --context staging', {}],
  [`/a${delimiter}/b`, `KUBECONFIG=/a${delimiter}/b kubectl --context staging`, {}],
  ['/a', "kubectl --kubeconfig '/my files/b' --context 'it'\\''s'", { kubeconfig: '/my files/b', context: "it's" }],
])('a command for later names the cluster: with KUBECONFIG=%s it begins with %s', async (variable, text, choice) => {
  vi.stubEnv('KUBECONFIG', variable);
  const { command } = await open(choice);
  expect(command('kubectl', 'delete', 'namespace', 'f2c')).toBe(`${text} delete namespace f2c`);
  const helm = text.replace('kubectl', 'helm').replace('--context', '--kube-context');
  expect(command('helm', 'uninstall')).toBe(`${helm} uninstall`);
});

describe('the API of the cluster', () => {
  /** Stands in for `kubectl proxy`: answers with the path, as far as the given expression lets it listen. */
  const serve = (refuses: string) => `
    const [, socket] = /--unix-socket=(\\S+)/.exec(process.argv.join(' ')) ?? [];
    if (${refuses}) { console.error('error: it does not listen'); process.exit(1); }
    const server = require('node:http').createServer((request, answer) => {
      request.on('data', (data) => answer.write(data));
      request.on('end', () => answer.end(JSON.stringify([request.method, request.url])));
    });
    server.listen(...(socket ? [socket] : [0, '127.0.0.1']), () =>
      console.log('Starting to serve on ' + (socket ?? '127.0.0.1:' + server.address().port)));`;
  const connected = async (refuses: string) => {
    vi.stubEnv('NODE', process.execPath);
    write('server.cjs', serve(refuses));
    return openKubernetes(await open(), bare, said);
  };

  test('is reached by a socket in a folder that only the caller may open', async () => {
    const api = await connected('false');
    const [, socket = ''] = /^kubectl proxy --context staging --unix-socket=(\S+)$/.exec(calls().at(-1) ?? '') ?? [];
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700);
    expect(await api.get('/version')).toEqual(['GET', '/version']);
    const posted = await api.request('/api', { method: 'POST', body: 'it ', headers: { accept: '*/*' } });
    expect([posted.status, await posted.text()]).toEqual([200, 'it ["POST","/api"]']);
    api.close();
  });

  test('is reached by a port where there are no such sockets, and it says who else reaches it', async () => {
    said.mockClear();
    const api = await connected('socket');
    expect(await api.get('/version')).toEqual(['GET', '/version']);
    expect(said).toHaveBeenCalledWith(expect.stringContaining('every user of this machine has your rights'));
    api.close();
  });

  test('is not there where the proxy does not start, and what it said is shown', async () => {
    await expect(connected('true')).rejects.toMatchObject({ details: 'error: it does not listen' });
  });
});
