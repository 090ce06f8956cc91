// Makes a cluster the place of a comparison, with a namespace of its own.

import { openKubernetes } from '../../lib/kubernetes/api.ts';
import { connect } from '../../lib/kubernetes/connection.ts';
import { patientShell } from '../../lib/kubernetes/patience.ts';
import type { Shell } from '../../lib/shell.ts';
import type { Interface, Server } from '../../results/files.ts';
import type { Place, Scaling } from '../place.ts';
import type { Recorded } from '../servers/bare-server.ts';
import { theRightOne } from '../servers/check.ts';
import { interfaceOf, interfacesOf, isExternal, serverOf, variablesOf, withoutUrl } from '../servers/comparison.ts';
import { questionOf, type Question } from '../servers/question.ts';
import type { Settings } from '../settings.ts';
import { coldStart } from './cold-start.ts';
import { optionsOfHelm } from './helm.ts';
import { environmentOf, imageBytes, see, seeGenerators, type Seen } from './inventory.ts';
import { runCheck, runLoad } from './job.ts';
import type { Workload } from './objects.ts';
import { checkAutoscalers, checkCluster, checkMetrics, refuseOthers, refuseUnequal } from './preflight.ts';
import { endingsOf, mayReadKubelet, memoryBytes, newEndings, startWatch } from './samples.ts';
import { installServer, replacePods, resourcesOf, scaleToOne, startAutoscaler } from './scaling.ts';
import { installOnKnative, scaleFromZero } from './scale-from-zero.ts';
import { apply, enterNamespace, openSession, podsBy, type ClusterSession } from './session.ts';
import { SECRET, workloadOf } from './workload.ts';

/**
 * Checks the cluster, and installs the servers there.
 * @throws Failure if the cluster lacks something; then nothing stays installed
 */
export async function openCluster(settings: Settings, shell: Shell, say: ClusterSession['say']): Promise<Place> {
  const { comparison } = settings;
  const connection = await connect(shell, settings, say);
  const upgradeOptions = await optionsOfHelm(shell);
  const api = await openKubernetes(connection, shell, (sentence) => {
    say(sentence, 'warning');
  });
  const patient = patientShell(connection.shell(shell), api);
  const workloads = new Map<Server, Workload>();
  const session = openSession({ connection, api, shell: patient, settings, upgradeOptions, say }, workloads);
  const { servers } = session;
  const interfaces = [...comparison.interfaces.keys()].filter((target) => {
    const { server, url } = interfaceOf(comparison, target);
    return servers.includes(server) || url !== undefined;
  });
  const scalings: Partial<Record<Server, Scaling>> = {};
  /** The servers that have ended under a load. */
  const broken = new Set<Server>();
  /** The interfaces whose replica is not warm yet. */
  const cold = new Set<Interface>();
  /** The resources of the pods that ran, by scaling. */
  const resources: Partial<Record<Server, Partial<Record<Scaling, Awaited<ReturnType<typeof resourcesOf>>>>>> = {};
  const seen: Seen = { pods: {}, generators: {}, cpuModels: new Map() };
  const recordings = new Map<Interface, Recorded>();
  /** The server that is measured from no replica, which is the baseline's. */
  const { server: zero } = interfaceOf(comparison, comparison.baseline);
  let readsKubelet = false;
  /** Why that server does not run on Knative. */
  let noKnative: string | undefined;
  let cpus: number | undefined;
  let replicas: Place['replicas'];
  let leave: (() => Promise<void>) | undefined;

  try {
    for (const server of servers) workloads.set(server, await workloadOf(session, server));
    cpus = await checkCluster(session);
    if (settings.experiments.includes('autoscale')) replicas = checkAutoscalers(session);
    leave = await enterNamespace(session);
    await checkMetrics(session);
    await applySecret();
    for (const server of servers) {
      await installServer(session, server);
      await changed(server, 'one');
    }
    if (!settings.check) for (const target of interfaces) await record(target);
    if (settings.experiments.includes('scale-from-zero')) {
      const { name } = serverOf(comparison, zero);
      noKnative = servers.includes(zero) ? await installOnKnative(session, zero) : `Only the URL of ${name} is known.`;
    }
    const [pod] = servers[0] ? await podsBy(session, session.workload(servers[0]).selector) : [];
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
    check: (target) => runCheck(session, target, { all: true, recordings }),
    async load(load) {
      const { server, name } = interfaceOf(comparison, load.target);
      const before = servers.includes(server) && !load.toBareServer ? await endingsOf(session, server) : undefined;
      const files = await runLoad(session, load, recordings);
      await seeGenerators(session, seen);
      if (!before) return files;
      // An autoscaler may have made more of them.
      await see(session, seen, server);
      for (const ending of newEndings(before, await endingsOf(session, server))) {
        broken.add(server);
        say(`${name}: ${ending}`, 'warning');
      }
      return files;
    },
    get pods() {
      return seen.pods;
    },
    watch: (server) => startWatch(session, server, readsKubelet),
    startsCold: (server) => question(server) !== undefined,
    async coldStart(server) {
      const asked = question(server);
      if (!asked) throw new Error(`${server} can't be asked through the API server`);
      const start = await coldStart(session, server, asked);
      await see(session, seen, server);
      return start;
    },
    scaleFromZero: noKnative === undefined ? fromZero : undefined,
    imageBytes: (server) => imageBytes(session, server),
    memoryBytes: (server) => memoryBytes(session, server),
    environment: () => environmentOf(session, seen, resources),
    close,
  };

  async function prepare(target: Interface, scaling: Scaling, warmUp: () => Promise<void>): Promise<void> {
    const { server } = interfaceOf(comparison, target);
    // Replicas that another load has left would take CPU from this one.
    for (const other of servers) if (other !== server && scalings[other] === 'auto') await change(other, 'one');
    if (!servers.includes(server)) return;
    // An autoscaled server begins each load with one replica again.
    if (scaling === 'auto' || scalings[server] !== scaling || broken.has(server)) await change(server, scaling);
    if (cold.delete(target)) await warmUp();
    if (broken.has(server)) await change(server, scaling);
    // The autoscaler's first reading must not include the warm-up, or it would add a second replica before the load.
    if (scaling === 'auto') await startAutoscaler(session, server, Date.now());
  }

  /** Gets a server to one replica, from which a scaling begins. */
  async function change(server: Server, scaling: Scaling): Promise<void> {
    // Kubernetes waits longer and longer before it starts again what has ended.
    if (broken.delete(server)) await replacePods(session, server);
    await scaleToOne(session, server);
    await changed(server, scaling);
  }

  async function changed(server: Server, scaling: Scaling): Promise<void> {
    await see(session, seen, server);
    scalings[server] = scaling;
    for (const target of interfacesOf(comparison, server)) cold.add(target);
    resources[server] = { ...resources[server], [scaling]: await resourcesOf(session, server) };
    refuseOthers(comparison, server, resources[server][scaling]);
    refuseUnequal(
      'resources',
      servers.map((each) => [serverOf(comparison, each).name, resources[each]?.[scaling]]),
    );
  }

  /** Keeps a right answer of a target, which the bare server replays. @throws Failure if there is none */
  async function record(target: Interface): Promise<void> {
    const { name } = interfaceOf(comparison, target);
    const checks = await runCheck(session, target, { all: false, recordings });
    recordings.set(target, theRightOne(checks, name));
  }

  function question(target: Interface): Question | undefined {
    return questionOf(comparison, target, recordings);
  }

  function fromZero(): Promise<number> {
    const asked = question(zero);
    if (!asked) throw new Error(`${zero} can't be asked by HTTP`);
    return scaleFromZero(session, zero, asked, recordings);
  }

  /** Makes the Secret with what the servers file takes from the environment. */
  async function applySecret(): Promise<void> {
    const names = variablesOf(comparison);
    if (names.length === 0) return;
    const data = Object.fromEntries(names.map((name) => [name, process.env[name] ?? '']));
    await apply(session, [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET }, stringData: data }]);
  }

  function leftOut(): string[] {
    const external = [...comparison.servers.keys()].filter((server) => isExternal(comparison, server));
    return [
      ...withoutUrl(comparison),
      ...external.map(
        (server) =>
          `Replicas, CPU, memory and cold starts of ${serverOf(comparison, server).name}: only its URL is known.`,
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
