// Runs a server as a process of this machine, which nothing limits.

import { constants } from 'node:os';
import { stripVTControlCharacters } from 'node:util';
import { execa } from 'execa';
import getPort from 'get-port';
import pidusage from 'pidusage';
import { sum } from 'simple-statistics';
import { describeEnding } from '../../lib/exit-reason.ts';
import type { Interface, Server } from '../../results/files.ts';
import { interfacesOf, type Comparison } from '../servers/comparison.ts';
import type { Usage } from './engine.ts';
import { LINES, type RunningServer } from './running-server.ts';
import { expand, variablesOf } from './variables.ts';

/** Starts the command of a server, at free ports. */
export async function startCommand(
  comparison: Comparison,
  server: Server,
  command: readonly string[],
): Promise<RunningServer> {
  const ports = new Map<Interface, number>();
  for (const target of interfacesOf(comparison, server)) ports.set(target, await getPort());
  const variables = variablesOf(comparison, server, (target) => ports.get(target) ?? 0);
  const words = command.map((word) => expand(word, variables));
  return startProcess(words, { cwd: comparison.folder, env: variables, ports });
}

/** Starts a program in a group of processes, with variables beside those of this process. */
export function startProcess(
  [program = '', ...args]: readonly string[],
  { cwd, env, ports }: { cwd: string; env: Readonly<Record<string, string>>; ports: ReadonlyMap<Interface, number> },
): RunningServer {
  // The child gets a process group of its own: Ctrl-C then reaches only this process, which ends the others in order.
  const child = execa(program, args, { cwd, env, detached: true, reject: false, all: true, buffer: false });
  const log = keepLog(child.all);
  const kill = () => child.kill();
  process.once('exit', kill);
  const over = new AbortController();
  let ending: string | undefined;
  let isStopped = false;
  const ended = child.then(({ exitCode, signal, shortMessage, code }) => {
    const exit = signal ? 128 + constants.signals[signal] : exitCode;
    ending =
      exit === undefined
        ? `does not start: ${code ?? shortMessage ?? ''}`
        : describeEnding({ exitCode: exit, message: log().join('\n') });
    if (!isStopped) over.abort();
  });
  return {
    url: (target) => `http://127.0.0.1:${ports.get(target) ?? 0}`,
    name: `process-${child.pid ?? 0}`,
    usage: () => usageOfGroup(child.pid ?? 0),
    ending: () => ending,
    ended: over.signal,
    lastLine: () => Promise.resolve(log().at(-1) ?? ''),
    async stop() {
      isStopped = true;
      process.off('exit', kill);
      // Its own children, such as workers, are in its group.
      endGroup(child.pid, 'SIGTERM');
      const patience = setTimeout(() => {
        endGroup(child.pid, 'SIGKILL');
      }, 5000);
      await ended;
      clearTimeout(patience);
      endGroup(child.pid, 'SIGKILL');
      // What it keeps of processes would keep this one alive.
      pidusage.clear();
    },
  };
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Reads what a process says, and returns a function that returns its last lines. */
function keepLog(output: NodeJS.ReadableStream): () => string[] {
  let text = '';
  output.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-8192);
  });
  return () => stripVTControlCharacters(text).trimEnd().split('\n').slice(-LINES);
}

/** What all processes of a group use, such as a server and its workers. If one reading fails, only that one is missing. */
async function usageOfGroup(leader: number): Promise<Usage | undefined> {
  try {
    // One that has just ended is null, which the types do not say.
    const all = Object.values<pidusage.Status | null>(await pidusage(await membersOf(leader))).filter(
      (one) => one !== null,
    );
    if (all.length === 0) return undefined;
    return {
      timestamp_s: Date.now() / 1000,
      cpu_seconds: sum(all.map(({ ctime }) => ctime)) / 1000,
      memory_bytes: sum(all.map(({ memory }) => memory)),
    };
  } catch {
    return undefined;
  }
}

async function membersOf(leader: number): Promise<number[]> {
  const { stdout } = await execa('ps', ['-A', '-o', 'pid=,pgid='], { reject: false });
  const pids = stdout.split('\n').flatMap((line) => {
    const [pid, group] = line.trim().split(/\s+/).map(Number);
    return group === leader && pid !== undefined ? pid : [];
  });
  return pids.length > 0 ? pids : [leader];
}
