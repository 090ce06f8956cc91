// Makes a cluster the place of a comparison, with a namespace of its own.

import { openKubernetes } from '../../lib/kubernetes/api.ts';
import { connect } from '../../lib/kubernetes/connection.ts';
import { patientShell } from '../../lib/kubernetes/patience.ts';
import { RELEASES } from '../../lib/project.ts';
import type { Shell } from '../../lib/shell.ts';
import { INTERFACE_NAMES, SERVER_NAMES, type Interface, type Server } from '../../results/files.ts';
import type { Place, Scaling } from '../place.ts';
import { INTERFACES, interfacesOf, isExternal, SERVERS, withoutUrl } from '../servers/index.ts';
import type { Settings } from '../settings.ts';
import { coldStart } from './cold-start.ts';
import { environmentOf, imageBytes, see, type Seen } from './inventory.ts';
import { runLoad } from './job.ts';
import { checkAutoscalers, checkCluster, checkMetrics, refuseUnequal } from './preflight.ts';
import { optionsOfHelm, resourcesOf, scaleToOne, startAutoscaler } from './releases.ts';
import { mayReadKubelet, memoryBytes, startWatch } from './samples.ts';
import { installOnKnative, scaleFromZero } from './scale-from-zero.ts';
import { enterNamespace, openSession, podsBy, selectorOf, type ClusterSession } from './session.ts';

/**
 * Checks the cluster, and installs the servers there.
 * @throws Failure if the cluster lacks something; then nothing stays installed
 */
export async function openCluster(settings: Settings, shell: Shell, say: ClusterSession['say']): Promise<Place> {
  const connection = await connect(shell, settings, say);
  const upgradeOptions = await optionsOfHelm(shell);
  const api = await openKubernetes(connection, shell, (sentence) => {
    say(sentence, 'warning');
  });
  const patient = patientShell(connection.shell(shell), api);
  const session = openSession({ connection, api, shell: patient, settings, upgradeOptions, say });
  const { servers } = session;
  const interfaces = INTERFACE_NAMES.filter(
    (target) => servers.includes(INTERFACES[target].server) || settings.urls[target],
  );
  const scalings: Partial<Record<Server, Scaling>> = {};
  /** The interfaces whose replica is not warm yet. */
  const cold = new Set<Interface>();
  /** The resources of the pods that ran, by scaling. */
  const resources: Partial<Record<Server, Partial<Record<Scaling, Awaited<ReturnType<typeof resourcesOf>>>>>> = {};
  const seen: Seen = { pods: {}, cpuModels: new Map() };
  let readsKubelet = false;
  /** Why the function does not run on Knative. */
  let noKnative: string | undefined;
  let cpus: number | undefined;
  let replicas: Place['replicas'];
  let leave: (() => Promise<void>) | undefined;

  try {
    cpus = await checkCluster(session);
    if (settings.experiments.includes('autoscale')) replicas = await checkAutoscalers(session);
    leave = await enterNamespace(session);
    await checkMetrics(session);
    for (const server of servers) await change(server, 'one');
    if (settings.experiments.includes('scale-from-zero')) {
      noKnative = servers.includes('function')
        ? await installOnKnative(session)
        : 'Only the URL of the function is known.';
    }
    const [pod] = servers[0] ? await podsBy(session, selectorOf(RELEASES[servers[0]])) : [];
    readsKubelet = Boolean(pod?.spec.nodeName && (await mayReadKubelet(session, pod.spec.nodeName)));
  } catch (error) {
    await close();
    throw error;
  }

  return {
    interfaces,
    servers,
    leftOut: leftOut(),
    scales: true,
    replicas,
    cpus: cpus ?? Infinity,
    prepare,
    async load(load) {
      const files = await runLoad(session, load);
      await see(session, seen, 'loadtest');
      // An autoscaler may have made more of them.
      const { server } = INTERFACES[load.target];
      if (servers.includes(server)) await see(session, seen, server);
      return files;
    },
    get pods() {
      return seen.pods;
    },
    watch: (server) => startWatch(session, server, readsKubelet),
    async coldStart(server) {
      const start = await coldStart(session, server);
      await see(session, seen, server);
      return start;
    },
    scaleFromZero: noKnative === undefined ? () => scaleFromZero(session) : undefined,
    imageBytes: (server) => imageBytes(session, server),
    memoryBytes: (server) => memoryBytes(session, server),
    environment: () => environmentOf(session, seen, resources),
    close,
  };

  async function prepare(target: Interface, scaling: Scaling, warmUp: () => Promise<void>): Promise<void> {
    const { server } = INTERFACES[target];
    // Replicas that another load has left would take CPU from this one.
    for (const other of servers) if (other !== server && scalings[other] === 'auto') await change(other, 'one');
    if (!servers.includes(server)) return;
    // An autoscaled server begins each load with one replica again.
    if (scaling === 'auto' || scalings[server] !== scaling) await change(server, scaling);
    if (cold.delete(target)) await warmUp();
    // The autoscaler's first reading must not include the warm-up, or it would add a second replica before the load.
    if (scaling === 'auto') await startAutoscaler(session, server, Date.now());
  }

  /** Gets a server to one replica, from which a scaling begins. */
  async function change(server: Server, scaling: Scaling): Promise<void> {
    await scaleToOne(session, server);
    await see(session, seen, server);
    scalings[server] = scaling;
    for (const target of interfacesOf(server)) cold.add(target);
    resources[server] = { ...resources[server], [scaling]: await resourcesOf(session, server) };
    refuseUnequal(
      'resources',
      servers.map((each) => [SERVERS[each].name, resources[each]?.[scaling]]),
    );
  }

  function leftOut(): string[] {
    const external = SERVER_NAMES.filter((server) => isExternal(server, settings.urls));
    return [
      ...withoutUrl(settings.urls),
      ...external.map(
        (server) => `Replicas, CPU, memory and cold starts of ${SERVERS[server].name}: only its URL is known.`,
      ),
      ...(cpus === undefined
        ? ['The room on the nodes, and what they are: the caller may not list nodes and the pods of all namespaces.']
        : []),
      ...(noKnative === undefined ? [] : [`scale-from-zero: ${noKnative}`]),
      ...(servers.length > 0 && !readsKubelet
        ? ['CPU time per request: the caller may not read the kubelets’ counters (get on nodes/proxy).']
        : []),
    ];
  }

  async function close(): Promise<void> {
    api.close();
    await leave?.();
  }
}
