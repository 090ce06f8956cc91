// Defines what a comparison knows about a server, and about each interface at which it is asked.

import type { Interface, Server } from '../../results/files.ts';

/** What is installed, scaled, watched, weighed and started cold. */
export interface ServerDefinition {
  /** What sentences call it. */
  readonly name: string;
  /** Its image on this machine: the environment variable that names another one, and the folder that it is built from. */
  readonly image: { readonly variable: string; readonly folder: string };
  /** Prints the description of the CPU in its pod, by programs that its image has. */
  readonly readCpu: readonly string[];
}

/** What a load asks: a port of a server, with the form of its requests. */
export interface InterfaceDefinition {
  readonly server: Server;
  /** What sentences call it. */
  readonly name: string;
  /** What columns and charts call it. */
  readonly label: string;
  /** Also the name of its port, in the server's Service and pods and in those of the bare server. */
  readonly protocol: 'http' | 'grpc';
  /** The port of the server's container. */
  readonly port: number;
  /** How it is asked by HTTP. Where that is missing, only the load generator can ask it (`--once`). */
  readonly question?: HttpQuestion;
}

/** A conversion by HTTP, which checks that an interface answers, and that the answer is right. */
export interface HttpQuestion {
  readonly path: string;
  readonly options: {
    readonly method: string;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly isAnswer: (body: unknown) => boolean;
}

/** The interfaces of one server. Only the interface that has its server's key is measured where the server itself is. */
export type Interfaces<Key extends Interface> = Readonly<Record<Key, InterfaceDefinition>>;
