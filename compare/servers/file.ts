// Reads a servers file. Every mistake is told with its line, and with what is accepted there, before anything starts.

import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import { Failure } from '../../lib/failure.ts';
import { againOf } from '../../results/files.ts';
import { parseCases } from './cases.ts';
import {
  installedAs,
  onKnative,
  type Comparison,
  type InterfaceDefinition,
  type ServerDefinition,
} from './comparison.ts';
import { parseInterface } from './interface.ts';
import {
  checked,
  checkSecrets,
  existing,
  existingFile,
  isFile,
  readText,
  type Complain,
  type Context,
  type Path,
} from './mistakes.ts';
import { SERVERS_FILE, type ServerEntry, type ServersFile, type TextOrSecret } from './schema.ts';
import { isObject } from './templates.ts';

/** The servers that are compared without a file. */
const BUILT_IN = join(import.meta.dirname, '../built-in/servers.yaml');
const DEFAULT_START_SECONDS = 60;
/** Cases, and the files of a server, are each in an object of Kubernetes, which may have a mebibyte. */
const MOST_BYTES = 700_000;

/** @throws Failure with a line for each mistake, such as `prices.yaml:12: …` */
export function readServersFile(path = BUILT_IN): Comparison {
  const text = readText(path);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const mistakes: { line: number; sentence: string }[] = document.errors.map(({ pos, message }) => ({
    line: lines.linePos(pos[0]).line,
    sentence: message,
  }));
  const fail = () => {
    const told = mistakes.toSorted((a, b) => a.line - b.line);
    throw new Failure(told.map(({ line, sentence }) => `${path}:${line}: ${sentence}`).join('\n'));
  };
  const complain: Complain = (at, sentence) => {
    mistakes.push({ line: lineOf(document, lines, at), sentence: [at.join('.'), sentence].filter(Boolean).join(': ') });
  };
  if (mistakes.length > 0) fail();
  const content: unknown = document.toJS();
  const file = checked(SERVERS_FILE, content, [], complain);
  if (file) {
    const comparison = comparisonOf(file, path, complain);
    if (mistakes.length === 0) return comparison;
  } else {
    const { rest, leftOut } = withoutMistakes(content);
    const complainOfRest: Complain = (at, sentence) => {
      if (!leftOut.some((each) => followsFrom(at, each))) complain(at, sentence);
    };
    if (rest) comparisonOf(rest, path, complainOfRest);
  }
  return fail();
}

/** Removes from a file what the schema does not accept. @returns no file if the rest says nothing */
function withoutMistakes(content: unknown): { rest?: ServersFile; leftOut: Path[] } {
  const leftOut: Path[] = [];
  if (!isObject(content)) return { leftOut };
  for (;;) {
    const { success, output, issues } = v.safeParse(SERVERS_FILE, { title: '-', ...content });
    if (success) return { rest: output, leftOut };
    const before = leftOut.length;
    for (const { path = [], input } of issues) {
      // A list is of no use without one of its elements, and an object without a member that must be there.
      const keys = path.map(({ key }) => key).filter((key) => typeof key === 'string');
      const at = input === undefined ? keys.slice(0, -1) : keys;
      const [last = '', ...owners] = at.toReversed();
      if (at[0] === 'cases' || (at[0] === 'servers' && at.length === 1)) return { leftOut };
      const owner = owners.reduceRight<unknown>((value, key) => isObject(value) && value[key], content);
      if (!isObject(owner) || !(last in owner)) continue;
      Reflect.deleteProperty(owner, last);
      leftOut.push(at);
    }
    if (leftOut.length === before) return { leftOut };
  }
}

/**
 * Tells whether a mistake may follow from what is left out: where that was part of it, or where both are members of a
 * server, of an interface or of what these have. Of a whole server, only the choice of the baseline depends.
 */
function followsFrom(mistake: Path, leftOut: Path): boolean {
  const owner = leftOut.slice(0, -1);
  if (isWithin(leftOut, mistake)) return true;
  return owner.length > 1 ? isWithin(mistake, owner) : owner.length === 1 && mistake[0] === 'baseline';
}

/** Tells whether a path leads to something, or to a part of it. */
function isWithin(at: Path, whole: Path): boolean {
  return whole.every((key, index) => at[index] === key);
}

/** Returns the line of the deepest part of a path that is there. */
function lineOf(document: Document, lines: LineCounter, at: Path): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const key of at) {
    if (isMap(node)) {
      const pair = node.items.find((each) => isScalar(each.key) && String(each.key.value) === String(key));
      if (!pair) break;
      offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = (node as { range?: [number] } | undefined)?.range?.[0] ?? offset;
    } else break;
  }
  return lines.linePos(offset).line;
}

function comparisonOf(file: ServersFile, path: string, complain: Complain): Comparison {
  const folder = resolve(dirname(path));
  const context: Context = { file, folder, complain };
  const servers = new Map(
    Object.entries(file.servers).map(([key, entry]) => [key, serverOf(context, key, entry)] as const),
  );
  checkNames(servers, complain);
  const [first = ''] = servers.keys();
  if (servers.size === 0) complain(['servers'], 'at least one is wanted');
  const { baseline = first } = file;
  if (!servers.has(baseline))
    complain(['baseline'], `"${baseline}"; one of ${[...servers.keys()].join(', ')} is wanted`);
  const interfaces = new Map<string, InterfaceDefinition>();
  // The baseline's interfaces come first.
  const inOrder = Object.entries(file.servers).sort(([a], [b]) => Number(b === baseline) - Number(a === baseline));
  for (const [key, entry] of inOrder) {
    for (const [index, [interfaceKey, its]] of Object.entries(entry.interfaces).entries()) {
      const at = ['servers', key, 'interfaces', interfaceKey];
      const target = index === 0 ? key : `${key}-${interfaceKey}`;
      const isTaken = interfaces.has(target) || (index > 0 && servers.has(target)) || target === againOf(baseline);
      if (isTaken) complain(at, `its files would begin with ${target}, as those of another do; give it another key`);
      interfaces.set(
        target,
        parseInterface(context, at, { server: key, key: interfaceKey, entry, its, isFirst: index === 0 }),
      );
    }
  }
  return {
    title: file.title,
    file: path === BUILT_IN ? undefined : path,
    folder,
    baseline,
    resources: file.resources,
    threats: file.threats ?? [],
    servers,
    interfaces,
    cases: casesOf(context),
  };
}

function casesOf({ file, folder, complain }: Context): Comparison['cases'] {
  const at = ['cases', 'file'];
  const path = existingFile(folder, file.cases.file, at, complain);
  if (!isFile(path)) return {};
  const content = readText(path);
  if (content.length > MOST_BYTES) complain(at, `it has ${content.length} bytes; ${MOST_BYTES} are accepted`);
  try {
    return parseCases(content, path, file.cases.columns);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    complain(at, `its cases can't be used:\n${error.message}`);
    return {};
  }
}

/** What belongs to one way to run a server, and is of no use without it. */
const OF_CHART = ['values', 'set', 'release', 'workload', 'container', 'service', 'knative'] as const;
const OF_IMAGE = ['args', 'files', 'writable', 'user', 'ready'] as const;

function serverOf({ folder, complain }: Context, key: string, entry: ServerEntry): ServerDefinition {
  const at = ['servers', key];
  const { image, chart, command, url, interfaces, env = {}, files = {} } = entry;
  const isAnywhere = image ?? chart ?? command ?? url ?? Object.values(interfaces).find((its) => its.url);
  if (isAnywhere === undefined) complain(at, 'nothing says how it runs: image, chart, command or url is wanted');
  if (Object.keys(interfaces).length === 0) complain([...at, 'interfaces'], 'at least one is wanted');
  const without = (names: readonly (keyof ServerEntry)[], what: string) => {
    for (const name of names) if (entry[name] !== undefined) complain([...at, name], `it is of use with ${what} only`);
  };
  if (chart === undefined) without(OF_CHART, 'a chart');
  if (image === undefined) without(OF_IMAGE, 'an image');
  if (image === undefined && command === undefined) without(['env'], 'an image or a command');
  if (command === undefined) without(['setup'], 'a command');
  checkSecrets(complain, [...at, 'env'], env);
  return {
    name: entry.name ?? key,
    ...(chart !== undefined && {
      chart: {
        path: existing(folder, chart, [...at, 'chart'], complain),
        values: (entry.values ?? []).map((name, index) =>
          existingFile(folder, name, [...at, 'values', index], complain),
        ),
        set: entry.set ?? {},
        release: entry.release ?? installedAs(key),
        ...(entry.workload !== undefined && { workload: entry.workload }),
        ...(entry.container !== undefined && { container: entry.container }),
        ...(entry.service !== undefined && { service: entry.service }),
        ...(entry.knative && { knative: entry.knative }),
      },
    }),
    ...(image !== undefined && { image }),
    ...(command && { command }),
    ...(entry.setup && { setup: entry.setup }),
    args: entry.args ?? [],
    env,
    files: filesOf(files, folder, [...at, 'files'], complain),
    writable: entry.writable ?? [],
    ...(entry.user !== undefined && { user: entry.user }),
    ...(entry.ready !== undefined && { ready: entry.ready }),
    startSeconds: entry.startWithin === undefined ? DEFAULT_START_SECONDS : secondsOf(entry.startWithin),
    settings: settingsOf(entry),
  };
}

/** Complains of releases whose names are taken: by another server, or by what a comparison installs beside them. */
function checkNames(servers: Comparison['servers'], complain: Complain): void {
  const taken = new Set(['f2c-loadtest', 'f2c-bare-server']);
  for (const [key, { chart }] of servers) if (!chart) taken.add(installedAs(key));
  for (const [key, { chart }] of servers) {
    for (const name of chart ? [chart.release, onKnative(chart.release)] : []) {
      if (taken.has(name)) complain(['servers', key, 'release'], `${name} is what another has; give it another name`);
      taken.add(name);
    }
  }
}

/** @returns the files of a container, by their path there */
function filesOf(files: Readonly<Record<string, string>>, folder: string, at: Path, complain: Complain) {
  const paths = Object.entries(files).map(([there, here]) => {
    const path = existingFile(folder, here, [...at, there], complain);
    return { there, path, bytes: isFile(path) ? statSync(path).size : 0 };
  });
  const bytes = paths.reduce((total, each) => total + each.bytes, 0);
  if (bytes > MOST_BYTES)
    complain(at, `they have ${bytes} bytes together; ${MOST_BYTES} are accepted: put larger ones into the image`);
  return Object.fromEntries(paths.map(({ there, path }) => [there, path]));
}

/** What a reader of the report wants to know of a server; secrets are named only. */
function settingsOf({ image, chart, command, args, env = {}, set, values, writable, user, url }: ServerEntry) {
  const texts: [string, unknown][] = [
    ...Object.entries({ image, chart, url }),
    ['command', command?.join(' ')],
    ['args', args?.join(' ')],
    ...Object.entries(env).map(([name, value]): [string, string] => [`env ${name}`, inWords(value)]),
    ['values', values?.join(', ')],
    ...Object.entries(set ?? {}).map(([name, value]): [string, string] => [`set ${name}`, JSON.stringify(value)]),
    ['writable', writable?.join(', ')],
    ['user', user],
  ];
  return Object.fromEntries(
    texts.filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]),
  );
}

function inWords(value: TextOrSecret): string {
  return typeof value === 'string' ? value : `from the variable ${value.fromEnv}`;
}

/** @returns seconds of a time such as 1h30m; 0 if it is none */
export function secondsOf(text: string): number {
  const [, hours = '0', minutes = '0', seconds = '0'] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$/.exec(text) ?? [];
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}
