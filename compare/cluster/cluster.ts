// Makes a cluster the place of a comparison, with a namespace of its own.

import { openKubernetes } from '../../lib/kubernetes/api.ts';
import { connect } from '../../lib/kubernetes/connection.ts';
import { patientShell } from '../../lib/kubernetes/patience.ts';
import { RELEASES } from '../../lib/project.ts';
import type { Shell } from '../../lib/shell.ts';
import { TARGETS, type Target } from '../../results/files.ts';
import type { Place, Scaling } from '../place.ts';
import { chartOf, DEFINITIONS, onePerChart, withoutUrl } from '../servers/index.ts';
import type { TargetChart } from '../servers/target.ts';
import type { Settings } from '../settings.ts';
import { coldStart } from './cold-start.ts';
import { environmentOf, imageBytes, see, type Seen } from './inventory.ts';
import { runLoad } from './job.ts';
import { checkAutoscalers, checkCluster, checkMetrics, refuseUnequal } from './preflight.ts';
import { optionsOfHelm, resourcesOf, scaleToOne, startAutoscaler } from './releases.ts';
import { mayReadKubelet, memoryBytes, startWatch } from './samples.ts';
import { installOnKnative, scaleFromZero } from './scale-from-zero.ts';
import { enterNamespace, openSession, podsBy, releaseOf, selectorOf, type ClusterSession } from './session.ts';

/**
 * Checks the cluster, and installs the targets there.
 * @throws Failure if the cluster lacks something; then nothing stays installed
 */
export async function openCluster(options: Settings, shell: Shell, say: ClusterSession['say']): Promise<Place> {
  const connection = await connect(shell, options, say);
  const upgradeOptions = await optionsOfHelm(shell);
  const api = await openKubernetes(connection, shell, (sentence) => {
    say(sentence, 'warning');
  });
  const patient = patientShell(connection.shell(shell), api);
  const session = openSession({ connection, api, shell: patient, options, upgradeOptions, say });
  const { installed } = session;
  const targets = TARGETS.filter((target) => installed.includes(target) || options.urls[target]);
  const scalings: Partial<Record<TargetChart, Scaling>> = {};
  /** The targets whose replica is not warm yet. */
  const cold = new Set<Target>();
  /** The resources of the pods that ran, by chart and scaling such as `function/one`: not always what was asked for. */
  const resources: Record<string, Awaited<ReturnType<typeof resourcesOf>>> = {};
  const seen: Seen = { pods: {}, cpuModels: new Map() };
  let readsKubelet = false;
  /** Why the function does not run on Knative. */
  let noKnative: string | undefined;
  let cpus: number | undefined;
  let replicas: Place['replicas'];
  let leave: (() => Promise<void>) | undefined;

  try {
    cpus = await checkCluster(session);
    if (options.experiments.includes('autoscale')) replicas = await checkAutoscalers(session);
    leave = await enterNamespace(session);
    await checkMetrics(session);
    for (const target of onePerChart(installed)) await change(target, 'one');
    if (options.experiments.includes('scale-from-zero')) {
      noKnative = installed.includes('function')
        ? await installOnKnative(session)
        : 'Only the URL of the function is known.';
    }
    const [pod] = installed[0] ? await podsBy(session, selectorOf(releaseOf(installed[0]))) : [];
    readsKubelet = Boolean(pod?.spec.nodeName && (await mayReadKubelet(session, pod.spec.nodeName)));
  } catch (error) {
    await close();
    throw error;
  }

  return {
    targets,
    leftOut: leftOut(),
    scales: true,
    replicas,
    limitsCpu: true,
    cpus: cpus ?? Infinity,
    controls: (target) => installed.includes(target),
    prepare,
    async load(load) {
      const files = await runLoad(session, load);
      await see(session, seen, RELEASES.loadtest);
      // An autoscaler may have made more of them.
      await look(load.target);
      return files;
    },
    get pods() {
      return seen.pods;
    },
    watch: (target) => startWatch(session, target, readsKubelet),
    async coldStart(target) {
      const start = await coldStart(session, target);
      await look(target);
      return start;
    },
    scaleFromZero: noKnative === undefined ? () => scaleFromZero(session) : undefined,
    imageBytes: (target) => imageBytes(session, target),
    memoryBytes: (target) => memoryBytes(session, target),
    environment: async () => ({ ...(await environmentOf(session, seen)), resources }),
    close,
  };

  async function prepare(target: Target, scaling: Scaling, warmUp: () => Promise<void>): Promise<void> {
    const chart = chartOf(target);
    // Replicas that another load has left would take CPU from this one.
    for (const other of onePerChart(installed)) {
      if (chartOf(other) !== chart && scalings[chartOf(other)] === 'auto') await change(other, 'one');
    }
    if (!installed.includes(target)) return;
    // An autoscaled target begins each load with one replica again.
    if (scaling === 'auto' || scalings[chart] !== scaling) await change(target, scaling);
    if (cold.delete(target)) await warmUp();
    // The autoscaler's first reading must not include the warm-up, or it would add a second replica before the load.
    if (scaling === 'auto') await startAutoscaler(session, target, Date.now());
  }

  /** Makes one new replica of what answers a target, with the resources of a scaling. */
  async function change(target: Target, scaling: Scaling): Promise<void> {
    const chart = chartOf(target);
    await scaleToOne(session, target, scaling);
    await look(target);
    scalings[chart] = scaling;
    for (const each of installed) if (chartOf(each) === chart) cold.add(each);
    resources[`${chart}/${scaling}`] = await resourcesOf(session, target);
    refuseUnequal(
      'resources',
      onePerChart(installed).map((each) => [DEFINITIONS[each].name, resources[`${chartOf(each)}/${scaling}`]]),
    );
  }

  /** Notes where the pods run that answer a target. */
  async function look(target: Target): Promise<void> {
    if (installed.includes(target)) await see(session, seen, releaseOf(target), target);
  }

  function leftOut(): string[] {
    const elsewhere = targets.filter((target) => !installed.includes(target));
    return [
      ...withoutUrl(options.urls),
      ...elsewhere.map(
        (target) => `Replicas, CPU, memory and cold starts of ${DEFINITIONS[target].name}: only its URL is known.`,
      ),
      ...(cpus === undefined
        ? ['The room on the nodes, and what they are: the caller may not list nodes and the pods of all namespaces.']
        : []),
      ...(noKnative === undefined ? [] : [`scale-from-zero: ${noKnative}`]),
      ...(installed.length > 0 && !readsKubelet
        ? ['CPU time per request: the caller may not read the kubelets’ counters (get on nodes/proxy).']
        : []),
    ];
  }

  async function close(): Promise<void> {
    api.close();
    await leave?.();
  }
}
