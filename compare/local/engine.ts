// Asks Docker's engine, which may run in a virtual machine or on another one, where its containers are and what they use.

import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import type { Shell } from '../../lib/shell.ts';

/** What a server has used since its start, and uses. */
export interface Usage {
  timestamp_s: number;
  cpu_seconds: number;
  memory_bytes: number;
}

const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost'];

/** @returns the host on which the engine publishes ports; undefined if that is this machine, as with Docker Desktop */
export async function engineHost(shell: Shell): Promise<string | undefined> {
  const inspect = ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'];
  // It knows DOCKER_CONTEXT, which wins over DOCKER_HOST. Other programs of the same name have no contexts.
  const state = await shell.run('docker', inspect).catch(() => '');
  shell.signal.throwIfAborted();
  const endpoint = [state, process.env.DOCKER_HOST].find(Boolean) ?? '';
  if (!/^(tcp|https?|ssh):\/\//.test(endpoint)) return undefined;
  const { hostname } = new URL(endpoint.trim());
  return LOOPBACK.includes(hostname) ? undefined : hostname;
}

/** A sample of `/containers/…/stats`, as far as it is read. */
interface Stats {
  read: string;
  cpu_stats: { cpu_usage: { total_usage: number } };
  memory_stats: { usage?: number; stats?: Record<string, number> };
}

/**
 * Returns a function that waits for the next sample of what a container uses, which the engine takes about once a second. It
 * returns undefined if the engine does not tell. Docker's own program carries the request, whatever way the engine is
 * reached. The samples end with the container.
 */
export function usageOf(id: string): () => Promise<Usage | undefined> {
  let next: PromiseWithResolvers<Usage | undefined> | undefined;
  let hasEnded = false;

  function open(): void {
    const carrier = execa('docker', ['system', 'dial-stdio'], { reject: false, buffer: false, detached: true });
    const end = () => {
      hasEnded = true;
      carrier.kill();
      next?.resolve(undefined);
    };
    process.once('exit', end);
    const asked = request({
      createConnection: () => carrier.duplex(),
      path: `/containers/${id}/stats?stream=true`,
      headers: { host: 'docker' },
    });
    asked.once('error', end);
    asked.once('response', (answer) => {
      answer.once('error', end).once('close', end);
      if (answer.statusCode !== 200) {
        end();
        return;
      }
      createInterface(answer).on('line', (line) => {
        const usage = usageIn(JSON.parse(line) as Stats);
        if (!usage) {
          end();
          return;
        }
        next?.resolve(usage);
        next = Promise.withResolvers();
      });
    });
    asked.end();
  }

  return () => {
    if (!next) {
      next = Promise.withResolvers();
      open();
    }
    return hasEnded ? Promise.resolve(undefined) : next.promise;
  };
}

/** Memory is what `docker stats` shows: without the pages of files that the kernel can take back at once. */
function usageIn({ read, cpu_stats, memory_stats: { usage, stats = {} } }: Stats): Usage | undefined {
  // The last sample of a container that has ended has none.
  if (usage === undefined) return undefined;
  const inactive = stats.total_inactive_file ?? stats.inactive_file ?? 0;
  return {
    timestamp_s: Date.parse(read) / 1000,
    cpu_seconds: cpu_stats.cpu_usage.total_usage / 1e9,
    memory_bytes: usage - inactive,
  };
}
