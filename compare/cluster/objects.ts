// Defines what is installed in the cluster, and what is known of it before.

export type Values = Readonly<Record<string, unknown>>;

/** A chart, as it is to be installed. */
export interface Release {
  /** What --set and --values call it. */
  readonly key: string;
  readonly name: string;
  /** The folder of the chart; from the project's own, unless it is absolute. */
  readonly path: string;
  /** Files of values, and values, which those of the command line may change. */
  readonly values: readonly string[];
  readonly set: Values;
}

/** What is scaled, watched and asked of a server. */
export interface Workload {
  readonly kind: 'deployment' | 'statefulset';
  readonly name: string;
  /** Selects its pods, as `kubectl --selector` does. */
  readonly selector: string;
  /** The container that serves. A service mesh may put others beside it. */
  readonly container: string;
  readonly service: string;
  /** By the key of an interface: the port of the Service, and of the container, as Kubernetes names or counts them. */
  readonly ports: Readonly<Record<string, { service: number; container: number }>>;
  /** What scales it, which is installed for `autoscale` only. */
  readonly autoscaler: HorizontalPodAutoscaler;
  /** Everything that it consists of, apart from that. */
  readonly objects: readonly KubernetesObject[];
  /** What Helm installs; undefined if the objects are applied as they are. */
  readonly release: Release | undefined;
}

/** An object, as far as it is read here. */
export interface KubernetesObject {
  kind: string;
  spec?: object;
  /** Of a Secret. */
  stringData?: Readonly<Record<string, string>>;
  apiVersion: string;
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
}
export interface HorizontalPodAutoscaler extends KubernetesObject {
  spec: { scaleTargetRef: { name: string }; minReplicas?: number; maxReplicas: number };
}
