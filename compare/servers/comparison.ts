// Defines what is compared: servers, the interfaces at which they are asked, and the cases that are asked.

import type { Resources } from '../../lib/kubernetes/objects.ts';
import type { Interface, Server } from '../../results/files.ts';
import type { TextOrSecret } from './schema.ts';

export interface Comparison {
  readonly title: string;
  /** The servers file; undefined if it is the one of this project. */
  readonly file: string | undefined;
  /** The folder of the servers file, from which its paths and commands go. */
  readonly folder: string;
  /** What all others are compared with: the first of the interfaces. */
  readonly baseline: Interface;
  /** What each server gets; undefined if that is what the function's chart has. */
  readonly resources: Required<Resources> | undefined;
  readonly threats: readonly string[];
  readonly servers: ReadonlyMap<Server, ServerDefinition>;
  readonly interfaces: ReadonlyMap<Interface, InterfaceDefinition>;
  /** The values of each column, by row, in JSON. */
  readonly cases: Readonly<Record<string, readonly string[]>>;
}

/** What is installed, scaled, watched, weighed and started cold. */
export interface ServerDefinition {
  /** What sentences call it. */
  readonly name: string;
  readonly chart?: ServerChart;
  readonly image?: string;
  readonly command?: readonly string[];
  /** What runs once before the command. */
  readonly setup?: readonly string[];
  /** Arguments of the image. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, TextOrSecret>>;
  /** Files of the container, by their path there. */
  readonly files: Readonly<Record<string, string>>;
  readonly writable: readonly string[];
  readonly user?: number;
  /** The path that answers when it is ready. */
  readonly ready?: string;
  /** How many seconds it may take to answer rightly. */
  readonly startSeconds: number;
  /** What the file says of it, for the report. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface ServerChart {
  /** The folder of the chart. */
  readonly path: string;
  readonly values: readonly string[];
  readonly set: Readonly<Record<string, unknown>>;
  readonly release: string;
  /** Such as `deployment/price`. */
  readonly workload?: string;
  readonly container?: string;
  readonly service?: string;
  readonly knative?: Readonly<Record<string, unknown>>;
}

/** What a load asks: a port of a server, with the form of its requests. */
export interface InterfaceDefinition {
  readonly server: Server;
  /** Its key in the servers file. */
  readonly key: string;
  /** What sentences call it. */
  readonly name: string;
  /** What columns and charts call it. */
  readonly label: string;
  readonly protocol: 'http' | 'grpc' | 'module';
  /** The port of the server's container, or the name of a port of its Service. */
  readonly port?: number | string;
  /** Where it runs already. */
  readonly url?: string;
  /** The method of HTTP by which one case is asked. */
  readonly method: string;
  readonly asks: { readonly one: string; readonly many?: string };
  /** What is right, in words. */
  readonly answer: string;
  /** How it is asked, as the load generator reads it. */
  readonly record: InterfaceRecord;
}

/** How the load generator asks an interface, and checks the answer. */
export interface InterfaceRecord {
  readonly ask?: unknown;
  readonly many?: unknown;
  readonly answer?: AnswerRecord;
  readonly headers?: Readonly<Record<string, TextOrSecret>>;
  readonly ca?: string;
  readonly grpc?: string;
  /** A FileDescriptorSet, in base64. */
  readonly descriptors?: string;
  /** The source of a Python module. */
  readonly module?: string;
}

export interface AnswerRecord {
  readonly at: readonly string[];
  readonly is: string;
  readonly relative: number;
  readonly absolute: number;
  readonly many: readonly string[];
  readonly each: string;
  readonly replica?: string;
  readonly datatype?: string;
}

export function serverOf({ servers }: Comparison, key: Server): ServerDefinition {
  const server = servers.get(key);
  if (!server) throw new Error(`${key} is no server`);
  return server;
}

export function interfaceOf({ interfaces }: Comparison, target: Interface): InterfaceDefinition {
  const found = interfaces.get(target);
  if (!found) throw new Error(`${target} is no interface`);
  return found;
}

/** The interfaces of a server. What is measured of the server itself goes by the first of them. */
export function interfacesOf({ interfaces }: Comparison, server: Server): Interface[] {
  return [...interfaces].filter(([, its]) => its.server === server).map(([target]) => target);
}

/** Whether a server runs elsewhere: it does if the URL of one of its interfaces is known. */
export function isExternal({ interfaces }: Comparison, server: Server): boolean {
  return interfaces.values().some((its) => its.server === server && its.url !== undefined);
}

/** Returns a sentence for each interface of an external server whose own URL is not known. */
export function withoutUrl(comparison: Comparison): string[] {
  return [...comparison.interfaces]
    .filter(([, { server, url }]) => url === undefined && isExternal(comparison, server))
    .map(([target, { name }]) => `${name}: its server runs elsewhere; give --${target}-url.`);
}

/** The variables of the environment that the headers of requests come from. */
export function headerVariables({ interfaces }: Comparison): string[] {
  return secretsIn([...interfaces.values()].flatMap(({ record }) => Object.values(record.headers ?? {})));
}

/** The variables of the environment that anything comes from. */
export function variablesOf(comparison: Comparison): string[] {
  const ofServers = [...comparison.servers.values()].flatMap(({ env }) => Object.values(env));
  return [...new Set([...headerVariables(comparison), ...secretsIn(ofServers)])];
}

function secretsIn(values: readonly TextOrSecret[]): string[] {
  return [...new Set(values.flatMap((value) => (typeof value === 'string' ? [] : [value.fromEnv])))];
}

/** The name of what is installed for a server that gives none itself. */
export const installedAs = (server: Server): string => `server-${server}`;

/** The name of a chart's second release, which is a Knative Service. */
export const onKnative = (release: string): string => `${release}-knative`;
