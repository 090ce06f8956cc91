// Publishes made-up images and the real charts to a real registry on this machine, step by step as release.yaml does.
// GitHub and cosign are fakes. It needs Go, which builds the registry, and Helm.

import { execa, execaSync } from 'execa';
import getPort from 'get-port';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { goTool } from '../../scripts/go-tool.ts';

const REGISTRY = 'github.com/distribution/distribution/v3/cmd/registry@v3.1.2';
const IMAGES = ['f2c-function', 'f2c-tfserving', 'f2c-loadtest'];
const CHARTS = IMAGES.map((image) => `${image}-chart`);
const NAMES = [...IMAGES, ...CHARTS];
const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** Keeps releases in folders. A release has its assets as files, and `draft`, `latest` and `prerelease` as words. */
const GH = `#!/usr/bin/env bash
set -euo pipefail
echo "gh $*" >>"$STATE/calls"
[[ $1 == release ]] || exit 64
release=$STATE/releases/$3
[[ $2 == create || -d $release ]] || { echo 'release not found' >&2; exit 1; }
case $2 in
  view) printf '{"isDraft":%s,"assets":[' "$([[ -e $release/.draft ]] && echo true || echo false)"
    ls "$release" | sed 's/.*/{"name":"&"}/' | paste -sd, ; echo ']}' ;;
  create) mkdir -p "$release" && touch "$release/.draft" && [[ " $* " == *' --draft '* ]]
    [[ " $* " != *' --prerelease '* ]] || touch "$release/.prerelease"
    for file; do [[ $file != dist/* && $file != results/* ]] || cp "$file" "$release/"; done ;;
  upload) cp "$4" "$release/" ;;
  download) mkdir -p "$7" && cp "$release/$5" "$7/" ;;
  edit) rm "$release/.draft"; echo "\${5#--latest=}" >"$release/.latest" ;;
  delete) [[ -e $release/.draft ]] && rm -r "$release" ;;
esac
`;
/** Signs only what is in the registry, and notes the tags that its repository has then. */
const COSIGN = `#!/usr/bin/env bash
set -euo pipefail
[[ ! -e $STATE/cosign-fails ]] || { echo 'cosign is down' >&2; exit 1; }
"$REGCTL" manifest head "$3" >/dev/null
echo "$3 $("$REGCTL" tag ls "\${3%@*}" | paste -sd ' ')" >>"$STATE/signed"
`;

let folder: string;
let clone: string;
let account: string;
let env: Record<string, string>;
let registry: ChildProcess;
const state = (...path: string[]) => join(folder, ...path);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'f2c-release-'));
  clone = state('clone');
  const port = await getPort();
  account = `127.0.0.1:${port}/me`;
  await execa('go', ['install', REGISTRY], { env: { GOBIN: state('bin') } });
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: state('registry') } },
    http: { addr: `127.0.0.1:${port}` },
  };
  writeFileSync(state('registry.json'), JSON.stringify(config));
  registry = spawn(state('bin/registry'), ['serve', state('registry.json')], { stdio: 'ignore' });
  await vi.waitFor(() => fetch(`http://127.0.0.1:${port}/v2/`), { timeout: 30_000, interval: 100 });

  writeFileSync(state('regctl.json'), JSON.stringify({ hosts: { [`127.0.0.1:${port}`]: { tls: 'disabled' } } }));
  writeFileSync(state('bin/gh'), GH, { mode: 0o755 });
  writeFileSync(state('bin/cosign'), COSIGN, { mode: 0o755 });
  env = {
    STATE: folder,
    REGCTL: goTool('regctl'),
    REGCTL_CONFIG: state('regctl.json'),
    REGISTRY: `127.0.0.1:${port}`,
    DOCKERHUB_USERNAME: 'me',
    GITHUB_OUTPUT: state('output'),
    PATH: [state('bin'), process.env.PATH].join(delimiter),
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap((who) => [`GIT_${who}_NAME`, `GIT_${who}_EMAIL`].map((key) => [key, 'a@b'])),
    ),
  };

  const left = new Set(['node_modules', '.git', '.venv', 'coverage', 'dist', 'results']);
  cpSync('.', clone, { recursive: true, filter: (file) => !left.has(basename(file)) });
  cpSync('results/files.ts', join(clone, 'results/files.ts'));
  symlinkSync(resolve('node_modules'), join(clone, 'node_modules'));
  await execa('git', ['init', '--quiet', '--bare', '--initial-branch', 'main', state('origin')]);
  git('init', '--quiet', '--initial-branch', 'main');
  git('remote', 'add', 'origin', state('origin'));
  writeFileSync(join(clone, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n');
  commit('main');
}, 600_000);

afterAll(async () => {
  if (registry.exitCode === null) {
    registry.kill();
    await once(registry, 'exit');
  }
  rmSync(folder, { recursive: true });
});

function git(...args: string[]): string {
  return execaSync('git', args, { cwd: clone, env }).stdout;
}

/** Commits what is changed, and pushes the branch. @returns the commit */
function commit(branch: string): string {
  git('add', '.');
  git('commit', '--quiet', '--allow-empty', '--message', 'change');
  git('push', '--quiet', 'origin', `HEAD:${branch}`);
  git('fetch', '--quiet', 'origin');
  return git('rev-parse', 'HEAD');
}

/** Lets a version be what a branch is at, with a tag. */
function makeVersion(version: string, branch = 'main'): void {
  const changelog = readFileSync(join(clone, 'CHANGELOG.md'), 'utf8');
  const entry = `## Unreleased\n\n### Added\n\n- What ${version} brings.\n`;
  writeFileSync(join(clone, 'CHANGELOG.md'), changelog.replace('## Unreleased\n', entry));
  execaSync('npm', ['version', version], { cwd: clone, env });
  commit(branch);
  git('tag', '--force', `v${version}`);
}

/** Runs a step of the workflow in the clone. */
async function step(command: string[], ref: string, more: Record<string, string> = {}) {
  writeFileSync(state('output'), '');
  const [program = '', ...args] = command;
  const isTag = ref.startsWith('v');
  const { all, exitCode } = await execa(program, args, {
    cwd: clone,
    env: {
      ...env,
      ...more,
      GITHUB_REF_TYPE: isTag ? 'tag' : 'branch',
      GITHUB_REF_NAME: ref,
      GITHUB_SHA: git('rev-parse', 'HEAD'),
    },
    all: true,
    reject: false,
  });
  return { all, exitCode, output: readFileSync(state('output'), 'utf8') };
}
const release = (name: string, ref: string) => step(['npm', 'run', '--silent', 'release', '--', name], ref);

const regctl = (input: string, ...args: string[]) => execaSync(env.REGCTL!, args, { env, input }).stdout.trim();

/** Sends a request to the registry. */
async function send(method: string, path: string, body?: string, type = 'application/octet-stream'): Promise<Response> {
  const headers = { 'content-type': type, accept: `${INDEX}, ${MANIFEST}` };
  return fetch(new URL(path, `http://${env.REGISTRY}`), { method, headers, ...(body !== undefined && { body }) });
}
const digestOf = (body: string) => `sha256:${createHash('sha256').update(body).digest('hex')}`;

/** Pushes without a tag. @returns how an index names it */
async function pushManifest(name: string, mediaType: string, content: object) {
  const body = JSON.stringify({ schemaVersion: 2, mediaType, ...content });
  const digest = digestOf(body);
  expect((await send('PUT', `/v2/me/${name}/manifests/${digest}`, body, mediaType)).status).toBe(201);
  return { mediaType, digest, size: body.length };
}

async function pushImage(name: string, config: object) {
  const body = JSON.stringify(config);
  const blob = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(body), size: body.length };
  const upload = await send('POST', `/v2/me/${name}/blobs/uploads/`);
  const location = new URL(upload.headers.get('location') ?? '', `http://${env.REGISTRY}`);
  location.searchParams.set('digest', blob.digest);
  expect((await send('PUT', location.href, body)).status).toBe(201);
  return pushManifest(name, MANIFEST, { config: blob, layers: [] });
}

/** Pushes an image for one platform as buildx does: without a tag, and with a second manifest that describes it. */
async function pushPlatform(name: string, architecture: string, nonce: string): Promise<string> {
  const Labels = { 'org.opencontainers.image.revision': git('rev-parse', 'HEAD'), nonce };
  const image = await pushImage(name, {
    os: 'linux',
    architecture,
    config: { Labels },
    rootfs: { type: 'layers', diff_ids: [] },
  });
  const about = await pushImage(name, { about: image.digest });
  const manifests = [
    { ...image, platform: { os: 'linux', architecture } },
    {
      ...about,
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.digest': image.digest },
    },
  ];
  return (await pushManifest(name, INDEX, { manifests })).digest;
}

let builds = 0;
/** What the jobs of `build` do, and the download of what they have kept. */
async function build(ref: string): Promise<void> {
  builds += 1;
  rmSync(join(clone, 'dist'), { recursive: true, force: true });
  mkdirSync(join(clone, 'dist/plan'), { recursive: true });
  for (const image of ['function', 'tfserving', 'loadtest']) {
    writeFileSync(join(clone, `dist/plan/base-images-${image}.json`), '{}');
    for (const arch of image === 'tfserving' ? ['amd64'] : ['amd64', 'arm64']) {
      const digest = await pushPlatform(`f2c-${image}`, arch, `${builds}`);
      const METADATA = JSON.stringify({ [image]: { 'containerimage.digest': digest } });
      const kept = await step([resolve('.github/scripts/keep-digest.bash')], ref, {
        METADATA,
        IMAGE: image,
        ARCH: arch,
      });
      expect(kept.exitCode, kept.all).toBe(0);
    }
  }
  cpSync(join(clone, 'dist/digests'), join(clone, 'dist/digest-all'), { recursive: true });
}

/** A whole run of the workflow. @returns what the first step that failed has said, if one did */
async function runWorkflow(ref: string): Promise<string> {
  const planned = await release('plan', ref);
  if (planned.exitCode !== 0) return planned.all;
  if (planned.output.includes('build=true')) {
    await build(ref);
    const staged = await release('stage', ref);
    if (staged.exitCode !== 0) return staged.all;
  } else {
    rmSync(join(clone, 'dist'), { recursive: true, force: true });
  }
  const published = await release('finish', ref);
  return published.exitCode === 0 ? '' : published.all;
}

/** All tags in the registry with their digests. */
async function listing(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of NAMES) {
    const { tags } = (await (await send('GET', `/v2/me/${name}/tags/list`)).json()) as { tags: string[] | null };
    for (const tag of tags ?? []) {
      const { headers } = await send('HEAD', `/v2/me/${name}/manifests/${tag}`);
      found[`${name}:${tag}`] = headers.get('docker-content-digest') ?? '';
    }
  }
  return found;
}
/** What the tags of the first image point to. */
async function versions(): Promise<Record<string, string>> {
  const all = Object.entries(await listing()).filter(([name]) => name.startsWith('f2c-function:'));
  return Object.fromEntries(all.map(([name, digest]) => [name.replace('f2c-function:', ''), digest]));
}
async function tagsOf(name: string): Promise<string[]> {
  return Object.keys(await listing()).flatMap((tag) => (tag.startsWith(`${name}:`) ? tag.slice(name.length + 1) : []));
}

/** Prints what a run has left in the registry, for people. */
async function show(title: string): Promise<void> {
  const all = await versions();
  const latest = Object.keys(all).find((tag) => /^\d+\.\d+\.\d+$/.test(tag) && all[tag] === all.latest);
  const tags = await Promise.all(NAMES.map(async (name) => `  ${name}: ${(await tagsOf(name)).join(' ')}`));
  console.log([`After ${title}, latest is ${latest ?? 'nothing'}:`, ...tags].join('\n'));
}

test('a push to main publishes edge, and its commit', async () => {
  expect(await runWorkflow('main')).toBe('');
  const sha = `sha-${git('rev-parse', 'HEAD').slice(0, 7)}`;
  for (const image of IMAGES) expect(await tagsOf(image)).toEqual(['edge', sha]);
  for (const chart of CHARTS) expect(await tagsOf(chart)).toEqual(['0.0.0-edge']);
  await show('a push to main');
});

test('a candidate gets no tag but its own, and is a pre-release', async () => {
  makeVersion('1.2.3-rc.1');
  expect(await runWorkflow('v1.2.3-rc.1')).toBe('');
  for (const name of NAMES) expect(await tagsOf(name)).toContain('1.2.3-rc.1');
  expect(await tagsOf('f2c-function')).toHaveLength(3);
  expect(existsSync(state('releases/v1.2.3-rc.1/.prerelease'))).toBe(true);
  expect(readFileSync(state('releases/v1.2.3-rc.1/.latest'), 'utf8')).toBe('false\n');
  await show('a candidate');
});

test('its final version gets all tags, once all of it is signed', async () => {
  makeVersion('1.2.3');
  expect(await runWorkflow('v1.2.3')).toBe('');
  for (const image of IMAGES)
    expect(await tagsOf(image)).toEqual(expect.arrayContaining(['1.2.3', '1.2', '1', 'latest']));
  for (const chart of CHARTS) expect(await tagsOf(chart)).toEqual(['0.0.0-edge', '1.2.3', '1.2.3-rc.1']);
  const signed = readFileSync(state('signed'), 'utf8').trim().split('\n').slice(-6);
  const published = await listing();
  for (const [index, name] of NAMES.entries()) {
    expect(signed[index]).toContain(`${account}/${name}@${published[`${name}:1.2.3`]} `);
    expect(signed[index]).not.toContain('1.2.3 ');
  }
  expect(readFileSync(state('releases/v1.2.3/.latest'), 'utf8')).toBe('true\n');
  await show('its final version');
});

test('an image has all platforms, and what describes them', () => {
  const index = JSON.parse(regctl('', 'manifest', 'get', '--format', 'raw-body', `${account}/f2c-function:1.2.3`)) as {
    manifests: { platform: { architecture: string }; annotations: object }[];
  };
  expect(index.manifests.map(({ platform }) => platform.architecture)).toEqual([
    'amd64',
    'unknown',
    'arm64',
    'unknown',
  ]);
  expect(index.manifests[3]!.annotations).toHaveProperty('vnd.docker.reference.digest');
});

test('Helm pulls a chart, whose images are those of its version', async () => {
  const { stdout } = await execa('helm', [
    ...['template', 'f2c', `oci://${account}/f2c-function-chart`, '--version', '1.2.3', '--plain-http'],
  ]);
  expect(stdout).toContain(`image: "${account}/f2c-function:1.2.3"`);
});

test('the same tag again changes nothing', async () => {
  const before = await listing();
  const release = readFileSync(state('releases/v1.2.3/digests.json'), 'utf8');
  const built = builds;
  expect(await runWorkflow('v1.2.3')).toBe('');
  expect(await listing()).toEqual(before);
  expect(readFileSync(state('releases/v1.2.3/digests.json'), 'utf8')).toBe(release);
  expect(builds).toBe(built);
  await show('the same tag again');
});

test('a patch of an older version moves no tag of a newer one', async () => {
  makeVersion('2.0.0');
  expect(await runWorkflow('v2.0.0')).toBe('');
  git('checkout', '--quiet', '-B', '1.2.x', 'v1.2.3');
  makeVersion('1.2.4', '1.2.x');
  expect(await runWorkflow('v1.2.4')).toBe('');
  const { '2.0.0': newest = '', '1.2.4': backport = '', ...others } = await versions();
  expect(others).toMatchObject({ latest: newest, 2: newest, 1: backport, '1.2': backport });
  expect(readFileSync(state('releases/v1.2.4/.latest'), 'utf8')).toBe('false\n');
  await show('2.0.0, and then a backport');
  git('checkout', '--quiet', 'v1.2.3');
  expect(await runWorkflow('v1.2.3')).toBe('');
  expect(await versions()).toHaveProperty(['1.2'], backport);
  git('checkout', '--quiet', '-B', 'main', 'v2.0.0');
});

test('a run that breaks leaves no tag, and one that is started again finishes it', async () => {
  makeVersion('2.1.0');
  const before = await listing();
  writeFileSync(state('cosign-fails'), '');
  expect(await runWorkflow('v2.1.0')).toContain('cosign is down');
  rmSync(state('cosign-fails'));
  expect(await listing()).toEqual(before);
  expect(existsSync(state('releases/v2.1.0'))).toBe(false);
  expect(await runWorkflow('v2.1.0')).toBe('');
  const { latest, '2.1.0': version = '' } = await versions();
  expect(latest).toBe(version);
});

test('a run that ended among the tags is finished with the same digests', async () => {
  makeVersion('2.1.1');
  expect((await release('plan', 'v2.1.1')).exitCode).toBe(0);
  await build('v2.1.1');
  expect((await release('stage', 'v2.1.1')).exitCode).toBe(0);
  const { digests } = JSON.parse(readFileSync(state('releases/v2.1.1/digests.json'), 'utf8')) as {
    digests: Record<string, string>;
  };
  const repository = `${account}/f2c-function`;
  regctl('', 'image', 'copy', `${repository}@${digests['f2c-function']}`, `${repository}:2.1.1`);
  const built = builds;
  expect(await runWorkflow('v2.1.1')).toBe('');
  expect(builds).toBe(built);
  const published = await listing();
  for (const name of NAMES) expect(published[`${name}:2.1.1`]).toBe(digests[name]);
  expect(existsSync(state('releases/v2.1.1/.draft'))).toBe(false);
});

test.each([
  ['on a branch of its own', 'feature', '2.2.0', 'is not on main, nor on a branch such as 1.x'],
  ['on a branch for another version', '2.1.x', '2.2.1', 'is not on main, nor on a branch such as 1.x'],
])('a tag %s is refused before anything is pushed', async (_, branch, version, sentence) => {
  git('checkout', '--quiet', '-B', branch);
  makeVersion(version, branch);
  const before = await listing();
  const built = builds;
  expect(await runWorkflow(`v${version}`)).toContain(sentence);
  expect(await listing()).toEqual(before);
  expect(builds).toBe(built);
  git('checkout', '--quiet', '--force', 'main');
});

test('a tag that was moved to another commit is refused', async () => {
  commit('main');
  const before = await listing();
  expect(await runWorkflow('v2.1.1')).toMatch(/v2\.1\.1 was published from the commit .* A version is published once/);
  expect(await listing()).toEqual(before);
});

test('a version that is published without a release on GitHub is refused', async () => {
  makeVersion('2.3.0');
  regctl('', 'image', 'copy', `${account}/f2c-loadtest:2.1.1`, `${account}/f2c-loadtest:2.3.0`);
  const before = await listing();
  expect(await runWorkflow('v2.3.0')).toContain('f2c-loadtest:2.3.0 is published already');
  expect(await listing()).toEqual(before);
});

test('an earlier run of main does not take edge back, and what its commit published stays', async () => {
  const earlier = git('rev-parse', 'HEAD');
  expect(await runWorkflow('main')).toBe('');
  commit('main');
  expect(await runWorkflow('main')).toBe('');
  const before = await listing();
  git('checkout', '--quiet', earlier);
  expect(await runWorkflow('main')).toBe('');
  expect(await listing()).toEqual(before);
});
