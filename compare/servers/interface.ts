// Reads an interface of a servers file: how it is asked, and what is right, as the load generator needs it.

import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type * as v from 'valibot';
import { parseDocument } from 'yaml';
import type { AnswerRecord, InterfaceDefinition, InterfaceRecord } from './comparison.ts';
import {
  checked,
  checkSecrets,
  existingFile,
  isFile,
  readText,
  type Complain,
  type Context,
  type Path,
} from './mistakes.ts';
import {
  ANSWER,
  HTTP_ASK,
  MODULE_ASK,
  PROTOCOL_PARAMETERS,
  type InterfaceEntry,
  type ServerEntry,
  type ServersFile,
} from './schema.ts';
import { fill, hasBesideEach, isObject, placeholdersOf, variablesOf, type Use } from './templates.ts';

const PROTOCOLS = join(import.meta.dirname, 'protocols');
/** Each is a file. */
const PROTOCOL_NAMES = globSync('*.yaml', { cwd: PROTOCOLS })
  .map((name) => basename(name, '.yaml'))
  .sort();

interface InterfaceOf {
  server: string;
  key: string;
  entry: ServerEntry;
  its: InterfaceEntry;
  isFirst: boolean;
}

/** Reads an interface, and complains of what its server can't be asked by. */
export function parseInterface(
  context: Context,
  at: Path,
  { server, key, entry, its, isFirst }: InterfaceOf,
): InterfaceDefinition {
  const { folder, complain } = context;
  const serverName = entry.name ?? server;
  const url = its.url ?? entry.url;
  const port = its.port ?? entry.port;
  if (url === undefined && port === undefined && entry.image !== undefined)
    complain(at, 'port: it is missing; an image needs it');
  if (typeof port === 'string' && entry.chart === undefined && url === undefined)
    complain([...at, 'port'], 'a number is wanted: only the Service of a chart has ports with names');
  checkSecrets(complain, [...at, 'headers'], its.headers ?? {});
  const form = its.protocol === undefined ? { entry: its, folder } : inProtocol(context, at, its.protocol, its);
  const base = url === undefined ? '' : (URL.parse(url)?.pathname.replace(/\/$/, '') ?? '');
  const record: InterfaceRecord = {
    ...(form && recordOf({ ...context, folder: form.folder }, at, form.entry, base)),
    ...(its.headers && { headers: its.headers }),
    ...(entry.ca !== undefined && {
      ca: readIfThere(existingFile(folder, entry.ca, ['servers', server, 'ca'], complain)),
    }),
  };
  const name = its.name ?? (isFirst ? serverName : `${serverName} (${key})`);
  return {
    server,
    key,
    name,
    label: its.label ?? its.name ?? (isFirst ? (entry.label ?? serverName) : `${entry.label ?? serverName}, ${key}`),
    protocol: record.module !== undefined ? 'module' : record.grpc !== undefined ? 'grpc' : 'http',
    ...(port !== undefined && { port }),
    ...(url !== undefined && { url: new URL(url).origin }),
    method: methodOf(record),
    asks: asksOf(record),
    answer: answerInWords(record),
    record,
  };
}

/** An interface as a protocol has it, with what the servers file says; paths of its files go from the other folder. */
function inProtocol(
  { complain }: Context,
  at: Path,
  protocol: string,
  { answer = {}, ...its }: InterfaceEntry,
): { entry: InterfaceEntry; folder: string } | undefined {
  if (!PROTOCOL_NAMES.includes(protocol)) {
    complain([...at, 'protocol'], `"${protocol}"; one of ${PROTOCOL_NAMES.join(', ')} is wanted`);
    return undefined;
  }
  const form = parseDocument(readText(join(PROTOCOLS, `${protocol}.yaml`))).toJS() as {
    parameters: Record<string, unknown>;
    interface: InterfaceEntry;
  };
  const names = Object.keys(PROTOCOL_PARAMETERS) as (keyof typeof PROTOCOL_PARAMETERS)[];
  const parameters = { ...form.parameters };
  for (const name of names) {
    if (its[name] === undefined) continue;
    if (name in parameters) parameters[name] = its[name];
    else complain([...at, name], `${protocol} does not need it; it takes ${Object.keys(parameters).join(', ')}`);
  }
  for (const [name, value] of Object.entries(parameters))
    if (value === null) complain(at, `${name}: it is missing; ${protocol} needs it`);
  for (const name of ['grpc', 'ask', 'many', 'descriptors'] as const)
    if (its[name] !== undefined)
      complain([...at, name], `${protocol} says it; leave it out, or leave out the protocol`);
  if (Object.values(parameters).includes(null)) return undefined;
  const filled = fill(form.interface, parameters) as InterfaceEntry;
  return { entry: { ...filled, answer: { ...filled.answer, ...answer } }, folder: PROTOCOLS };
}

function recordOf({ file, folder, complain }: Context, at: Path, its: InterfaceEntry, base: string): InterfaceRecord {
  const { ask, many, grpc, answer } = its;
  const isModule = isObject(ask) && 'module' in ask;
  const columns = file.cases.columns;
  const checkUse = (where: Path, uses: readonly Use[]) => {
    for (const { column } of uses) {
      if (!(column in columns))
        complain(where, `"${column}" is none of the columns in \`cases\`: ${Object.keys(columns).join(', ')}`);
    }
  };
  if (ask === undefined && many === undefined)
    complain(at, 'nothing says how it is asked: ask, many or protocol is wanted');
  if (isModule) {
    const module = checked(MODULE_ASK, ask, [...at, 'ask'], complain);
    return module
      ? { module: readIfThere(existingFile(folder, module.module, [...at, 'ask', 'module'], complain)) }
      : {};
  }
  const asked = Object.entries({ ask, many }).filter(([, its]) => its !== undefined);
  for (const [name, its] of asked) {
    const where = [...at, name];
    if (hasBesideEach(its)) complain(where, "'{*}' stands for a list; nothing can be beside it");
    if (grpc !== undefined) {
      checkUse(where, placeholdersOf(its));
      continue;
    }
    const request = checked(HTTP_ASK, its, where, complain);
    if (!request) continue;
    checkUse([...where, 'path'], variablesOf(request.path));
    checkUse([...where, 'json'], placeholdersOf(request.json));
  }
  const descriptors =
    its.descriptors === undefined ? undefined : existingFile(folder, its.descriptors, [...at, 'descriptors'], complain);
  const checkedAnswer = answerOf(columns, [...at, 'answer'], answer ?? {}, complain);
  const atBase = (its: unknown) =>
    grpc === undefined && isObject(its) && 'path' in its ? { ...its, path: `${base}${String(its.path)}` } : its;
  return {
    ...(grpc !== undefined && { grpc }),
    ...(descriptors !== undefined && isFile(descriptors) && { descriptors: readFileSync(descriptors, 'base64') }),
    ...(ask !== undefined && { ask: atBase(ask) }),
    ...(many !== undefined && { many: atBase(many) }),
    ...(checkedAnswer && { answer: checkedAnswer }),
  };
}

function answerOf(
  columns: ServersFile['cases']['columns'],
  where: Path,
  { at, is, within = 0, many, each = '', replica, datatype }: v.InferOutput<typeof ANSWER>,
  complain: Complain,
): AnswerRecord | undefined {
  if (is === undefined) {
    complain(where, 'is: it is missing; the column that has the right answer is wanted');
    return undefined;
  }
  if (!(is in columns))
    complain([...where, 'is'], `"${is}" is none of the columns in \`cases\`: ${Object.keys(columns).join(', ')}`);
  const { relative, absolute } = typeof within === 'number' ? { relative: 0, absolute: within } : within;
  if (relative + absolute > 0 && !['number', 'integer'].includes(columns[is] ?? 'number'))
    complain(
      [...where, 'within'],
      `it is of use with numbers only, and ${is} is a column of type ${columns[is] ?? ''}`,
    );
  const one = [at ?? many ?? ''].flat();
  return {
    at: one,
    is,
    relative,
    absolute,
    many: [many ?? one].flat(),
    each,
    ...(replica !== undefined && { replica }),
    ...(datatype !== undefined && { datatype }),
  };
}

function readIfThere(path: string): string {
  return isFile(path) ? readText(path) : '';
}

function methodOf({ ask, many, grpc, module }: InterfaceRecord): string {
  if (module !== undefined) return 'its module';
  return grpc === undefined ? (((ask ?? many) as { method?: string } | undefined)?.method ?? '') : 'gRPC';
}

/** Says how one case and several are asked, such as `GET /price{?sku}`. */
function asksOf({ ask, many, grpc, module }: InterfaceRecord): InterfaceDefinition['asks'] {
  const text = (its: unknown) => {
    if (grpc !== undefined) return `${grpc} ${JSON.stringify(its)}`;
    const { method = '', path = '', json } = its as { method?: string; path?: string; json?: unknown };
    return [method, path, json !== undefined && JSON.stringify(json)].filter(Boolean).join(' ');
  };
  if (module !== undefined) return { one: 'a Python module', many: 'a Python module' };
  return { one: text(ask ?? many ?? {}), ...(many !== undefined && { many: text(many) }) };
}

function answerInWords({ answer }: InterfaceRecord): string {
  if (!answer) return 'as its module checks it';
  const { at, is, relative, absolute } = answer;
  const off = [absolute > 0 && String(absolute), relative > 0 && `${relative} of it`].filter(Boolean).join(' and ');
  return `${at.join(' or ') || 'the whole answer'} is ${is}${off && `, within ${off}`}`;
}
