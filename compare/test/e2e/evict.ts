import { execa } from 'execa';

/** Ends a pod as a drain of its node does. */
export async function evict(namespace: string, name: string): Promise<void> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  const url = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
  await execa('kubectl', ['create', '--raw', url, '--filename', '-'], { input: JSON.stringify(eviction) });
}
