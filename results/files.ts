// Defines every file of a results folder: what it is, and each column's type, unit and meaning.
//
//   results/<date-time>/environment.json, README.md
//   results/<date-time>/<experiment>/<trial>/<target>_<kind>.csv or .json

import * as v from 'valibot';
import { AMOUNT, column, COUNT, member, NAME, NUMBER, oneOf, or, TEXT, TIME, WHOLE } from './columns.ts';

/** The key of a server, which is what is installed, scaled, watched and started cold. */
export type Server = string;
/** The key of an interface, which is one way to ask a server. The first interface of a server has its key. */
export type Interface = string;
/** What files belong to: an interface, or the baseline's second name. */
export type TargetName = string;

/** The second name of a target: `sweep` measures the baseline twice, and what the two differ by is noise. */
export function againOf(target: Interface): TargetName {
  return `${target}-again`;
}

/** Keys are like the names of Kubernetes' labels. None holds a `_`, which ends a target in the name of a file. */
const KEY = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const key = v.pipe(v.string(), v.regex(KEY, 'A key has small letters, digits, and hyphens between them'));

/** Each experiment has a folder of its own. Runs that were measured before `sweep` have `FORMER_NAMES`. */
export const EXPERIMENT_NAMES = ['calibrate', 'sweep', 'batch', 'coldstart', 'autoscale', 'scale-from-zero'] as const;
export const FORMER_NAMES = ['capacity', 'latency', 'noise'] as const;
export type ExperimentName = (typeof EXPERIMENT_NAMES)[number] | (typeof FORMER_NAMES)[number];

/**
 * The trials of `calibrate` measure different things. `floor` and `scaling` ask a bare server at the rates of `sweep` and of
 * `autoscale`.
 */
export const CALIBRATIONS = { closed: 1, open: 2, floor: 3, scaling: 4 } as const;
export type Calibration = keyof typeof CALIBRATIONS;

const SHARES = ['50%', '66%', '75%', '80%', '90%', '95%', '98%', '99%', '99.9%', '99.99%', '100%'] as const;

function percentiles(when: string) {
  const columnOf = (share: string) =>
    column(or('N/A', WHOLE), 'ms', `the fastest ${share} of the ${when} took at most this long`);
  const columns = Object.fromEntries(SHARES.map((share) => [share, columnOf(share)]));
  return columns as Record<(typeof SHARES)[number], ReturnType<typeof columnOf>>;
}

export interface FileDefinition {
  extension: 'csv' | 'json';
  writtenBy: 'Locust' | 'the load test' | 'compare';
  /** A sentence that says what the file is. */
  about: string;
  schema: v.ObjectSchema<v.ObjectEntries, undefined> | v.StrictObjectSchema<v.ObjectEntries, undefined>;
}

/** Each kind of file, by what follows `<target>_` in its name. Columns are in the order of the file. */
export const KINDS = {
  stats: {
    extension: 'csv',
    writtenBy: 'Locust',
    about: 'The whole load, seconds of settling included: a row for each request name, and a last row for all.',
    schema: v.object({
      Type: column(TEXT, '', 'HTTP method; empty in the row for all'),
      Name: column(TEXT, '', 'name of the request; `Aggregated` in the row for all'),
      'Request Count': column(WHOLE, 'requests', 'requests that ended, failed ones included'),
      'Failure Count': column(WHOLE, 'requests', 'requests that failed'),
      'Median Response Time': column(NUMBER, 'ms', 'median of all requests, failed ones included'),
      'Average Response Time': column(NUMBER, 'ms', 'mean'),
      'Min Response Time': column(NUMBER, 'ms', 'shortest'),
      'Max Response Time': column(NUMBER, 'ms', 'longest'),
      'Average Content Size': column(NUMBER, 'bytes', 'mean size of the answers’ content'),
      'Requests/s': column(NUMBER, 'requests/s', 'requests, divided by the time from the first to the last'),
      'Failures/s': column(NUMBER, 'requests/s', 'failed requests, divided by the same time'),
      ...percentiles('requests'),
    }),
  },
  stats_history: {
    extension: 'csv',
    writtenBy: 'Locust',
    about: 'What Locust knew at every tenth second, and at the last: a row for each request name, and a row for all.',
    schema: v.object({
      Timestamp: column(WHOLE, 's', 'Unix time'),
      'User Count': column(WHOLE, 'users', 'users that run'),
      Type: column(TEXT, '', 'HTTP method; empty in the row for all'),
      Name: column(TEXT, '', 'name of the request; `Aggregated` in the row for all'),
      'Requests/s': column(NUMBER, 'requests/s', 'mean over ten seconds that end two seconds before the last request'),
      'Failures/s': column(NUMBER, 'requests/s', 'the same for failed requests'),
      ...percentiles('requests of the last ten seconds'),
      'Total Request Count': column(WHOLE, 'requests', 'requests that ended so far, failed ones included'),
      'Total Failure Count': column(WHOLE, 'requests', 'requests that failed so far'),
      'Total Median Response Time': column(NUMBER, 'ms', 'median so far'),
      'Total Average Response Time': column(NUMBER, 'ms', 'mean so far'),
      'Total Min Response Time': column(NUMBER, 'ms', 'shortest so far'),
      'Total Max Response Time': column(NUMBER, 'ms', 'longest so far'),
      'Total Average Content Size': column(NUMBER, 'bytes', 'mean size of the answers’ content so far'),
    }),
  },
  failures: {
    extension: 'csv',
    writtenBy: 'Locust',
    about: 'A row for each way in which requests failed; no row if none failed.',
    schema: v.object({
      Method: column(TEXT, '', 'HTTP method'),
      Name: column(TEXT, '', 'name of the request'),
      Error: column(TEXT, '', 'why it failed'),
      Occurrences: column(WHOLE, 'requests', 'requests that failed this way'),
      'First Seen': column(or('', TIME), 'UTC', 'the first of these failures'),
      'Last Seen': column(or('', TIME), 'UTC', 'the last of these failures'),
    }),
  },
  exceptions: {
    extension: 'csv',
    writtenBy: 'Locust',
    about: 'A row for each error in the load test itself; no row if there was none.',
    schema: v.object({
      Count: column(WHOLE, '', 'how often'),
      Message: column(TEXT, '', 'what it says'),
      Traceback: column(TEXT, '', 'where in the code it happened; has line breaks'),
      Nodes: column(TEXT, '', 'the processes in which it happened'),
    }),
  },
  steps: {
    extension: 'csv',
    writtenBy: 'the load test',
    about: 'A row for each measured step of the load.',
    schema: v.object({
      step: column(WHOLE, '', 'number of the step, from 0'),
      users: column(WHOLE, 'users', 'users that run'),
      batch: column(WHOLE, 'values', 'values that a request asks for'),
      offered_rate: column(
        or('', NUMBER),
        'requests/s',
        'offered rate of all users together; empty in the closed loop',
      ),
      start_s: column(WHOLE, 's', 'Unix time of the first second that is measured, after the load has settled'),
      end_s: column(WHOLE, 's', 'Unix time of the first second that is no longer measured'),
      requests: column(WHOLE, 'requests', 'requests that ended in this time, failed ones included'),
      failures: column(WHOLE, 'requests', 'those that failed'),
      wrong_answers: column(WHOLE, 'requests', 'those that failed because an answer was wrong'),
      saturated: column(WHOLE, '', '1 if the target did not sustain the offered rate, else 0'),
    }),
  },
  latency: {
    extension: 'csv',
    writtenBy: 'the load test',
    about: 'Histogram of the response times of the measured seconds. To merge steps or files, add up the counts.',
    schema: v.object({
      step: column(WHOLE, '', 'number of the step, as in `_steps.csv`'),
      clock: column(
        oneOf('service', 'response'),
        '',
        'service: from the sending of the request; response, where a rate is offered: from when it was due, if it ' +
          'then had to wait for a free user',
      ),
      outcome: column(oneOf('ok', 'failed'), '', 'ok: the right answer came'),
      latency_us: column(WHOLE, 'µs', 'lower end of a bucket, which is 1 µs wide or a 64th of its lower end'),
      count: column(WHOLE, 'requests', 'requests in the bucket'),
    }),
  },
  seconds: {
    extension: 'csv',
    writtenBy: 'the load test',
    about: 'Every second of the load, seconds of settling included; times count from the sending of the request.',
    schema: v.object({
      timestamp_s: column(WHOLE, 's', 'Unix time'),
      users: column(WHOLE, 'users', 'users that run'),
      requests: column(WHOLE, 'requests', 'requests that ended in this second, failed ones included'),
      failures: column(WHOLE, 'requests', 'those that failed'),
      p50_us: column(or('', NUMBER), 'µs', 'median of this second’s requests; empty if none ended'),
      p99_us: column(or('', NUMBER), 'µs', '99th percentile; empty if none ended'),
      max_us: column(or('', NUMBER), 'µs', 'longest; empty if none ended'),
    }),
  },
  replicas: {
    extension: 'csv',
    writtenBy: 'the load test',
    about: 'Which replica answered in which second; there is no such file of answers that don’t name their replica.',
    schema: v.object({
      timestamp_s: column(WHOLE, 's', 'Unix time'),
      app_id: column(NAME, '', 'identifier that a replica adds to its answers'),
      answers: column(WHOLE, 'requests', 'requests that it answered in this second'),
    }),
  },
  generator: {
    extension: 'csv',
    writtenBy: 'the load test',
    about: 'How busy the load generator was: a row for each second and process.',
    schema: v.object({
      timestamp_s: column(WHOLE, 's', 'Unix time'),
      process: column(NAME, '', 'process, or worker, of the load generator'),
      cpu_cores: column(NUMBER, 'cores', 'CPU that it used'),
      lag_ms: column(
        NUMBER,
        'ms',
        'longest time that it was late itself: its event loop, or a request that a user was free for',
      ),
      throttled: column(or('', NUMBER), '', 'share of its CPU periods in which the kernel stopped it at its limit'),
      stolen_cores: column(or('', NUMBER), 'cores', 'CPU that other machines took from this one'),
      late: column(WHOLE, 'requests', 'requests sent more than 5 ms after they were due although a user was free'),
    }),
  },
  verdict: {
    extension: 'json',
    writtenBy: 'the load test',
    about:
      'Whether the load was as planned, as far as the load generator can tell, and a summary of the figures. ' +
      '`verdicts` in environment.json has what `compare` found besides.',
    schema: v.strictObject({
      target: member(key, '', 'the target that was loaded'),
      verdict: member(v.picklist(['VALID', 'INVALID']), '', 'INVALID: the figures say nothing about the target'),
      reasons: member(v.array(v.string()), '', 'why it is INVALID, in sentences; empty if it is VALID'),
      requests: member(COUNT, 'requests', 'requests of the measured seconds, failed ones included'),
      failures: member(COUNT, 'requests', 'those that failed'),
      wrongAnswers: member(COUNT, 'requests', 'those that failed because an answer was wrong'),
      firstWrong: member(
        v.optional(v.nullable(v.string())),
        '',
        'of the first that failed: what was asked, what came, and what was expected; null if none failed',
      ),
      connections: member(v.optional(AMOUNT), 'connections', 'those that were opened in the measured seconds'),
      seconds: member(AMOUNT, 's', 'measured time'),
      throughput: member(AMOUNT, 'requests/s', 'requests, divided by that time'),
      offeredRate: member(v.nullable(AMOUNT), 'requests/s', 'offered rate; null in the closed loop'),
      sentRate: member(v.nullable(AMOUNT), 'requests/s', 'rate that was sent; null in the closed loop'),
      p50Us: member(v.nullable(AMOUNT), 'µs', 'median, from the sending of the request; null without requests'),
      p99Us: member(v.nullable(AMOUNT), 'µs', '99th percentile; null without requests'),
      generator: member(
        v.strictObject({
          processes: COUNT,
          cpuCores: v.nullable(AMOUNT),
          limitCores: AMOUNT,
          lagMs: v.nullable(AMOUNT),
          throttled: v.nullable(AMOUNT),
          stolenCores: v.nullable(AMOUNT),
        }),
        'cores, ms',
        'processes of the load generator; the most CPU that one of them used, as the highest median of a step; the ' +
          '90th percentile, over all seconds, of the longest delay of an event loop',
      ),
      saturatedFrom: member(
        v.nullable(COUNT),
        '',
        'number of the first step whose offered rate the target did not sustain; null if it sustained all',
      ),
      replicas: member(
        v.strictObject({ answered: v.nullable(COUNT), ready: v.nullable(COUNT) }),
        '',
        'replicas that answered in the last step, and replicas that were ready; null where not known',
      ),
      locust: member(v.string(), '', 'version of Locust'),
      python: member(v.string(), '', 'version of Python'),
      settings: member(v.record(v.string(), v.unknown()), '', 'every option of the load test, as used'),
    }),
  },
  timeline: {
    extension: 'csv',
    writtenBy: 'compare',
    about: 'Replicas, and what all of them use together, at each second of the load.',
    schema: v.object({
      timestamp_s: column(NUMBER, 's', 'Unix time'),
      desired_replicas: column(WHOLE, '', 'replicas that the autoscaler asks for'),
      ready_replicas: column(WHOLE, '', 'replicas that are ready'),
      cpu_cores: column(or('', NUMBER), 'cores', 'CPU, from the metrics API; empty until it has a reading'),
      memory_bytes: column(or('', NUMBER), 'bytes', 'memory, from the metrics API; empty until it has a reading'),
    }),
  },
  pods: {
    extension: 'csv',
    writtenBy: 'compare',
    about: 'The kubelet’s counters for each pod; there is no such file if you may not read them.',
    schema: v.object({
      timestamp_s: column(NUMBER, 's', 'Unix time of the counter'),
      pod: column(NAME, '', 'name of the pod'),
      cpu_seconds: column(NUMBER, 's', 'CPU time that the pod has used since its start'),
      memory_bytes: column(or('', WHOLE), 'bytes', 'working set of the pod; empty where not known'),
    }),
  },
  throttling: {
    extension: 'csv',
    writtenBy: 'compare',
    about: 'How often the kernel stopped each pod at its CPU limit; there is no such file without a limit.',
    schema: v.object({
      timestamp_s: column(NUMBER, 's', 'Unix time of the counters'),
      pod: column(NAME, '', 'name of the pod'),
      periods: column(WHOLE, '', 'periods, of 100 ms each, in which the pod wanted CPU since its start'),
      throttled_periods: column(WHOLE, '', 'those in which it used up its share, and had to wait for the next period'),
    }),
  },
  coldstarts: {
    extension: 'csv',
    writtenBy: 'compare',
    about: 'A row for each start of a replica, timed to its first correct answer.',
    schema: v.object({
      start: column(WHOLE, '', 'number of the start'),
      pod_created_s: column(NUMBER, 's', 'Unix time of the pod’s creation'),
      first_answer_ms: column(NUMBER, 'ms', 'time from there to the first correct answer of the pod itself'),
      first_service_answer_ms: column(
        or('', NUMBER),
        'ms',
        'time from there to the first correct answer through the Service; empty without a Service',
      ),
    }),
  },
  zerostarts: {
    extension: 'csv',
    writtenBy: 'compare',
    about: 'A row for each time that the target was asked on Knative while no pod of it ran.',
    schema: v.object({
      start: column(WHOLE, '', 'number of the start'),
      first_answer_ms: column(NUMBER, 'ms', 'time from the request, sent in the cluster, to its correct answer'),
    }),
  },
  footprint: {
    extension: 'csv',
    writtenBy: 'compare',
    about: 'Size of the image, and memory before and under load; a row for each known value.',
    schema: v.object({
      what: column(oneOf('image', 'memory_idle', 'memory_loaded'), '', 'what the size is of'),
      bytes: column(NUMBER, 'bytes', 'the size'),
    }),
  },
} as const satisfies Record<string, FileDefinition>;

export type Kind = keyof typeof KINDS;
export type KindBy<Part extends Partial<FileDefinition>> = {
  [K in Kind]: (typeof KINDS)[K] extends Part ? K : never;
}[Kind];
export type CsvKind = KindBy<{ extension: 'csv' }>;

/** A row of a CSV file: columns by their names, numbers as such, null where there is no value. */
export type Row<K extends CsvKind> = v.InferOutput<(typeof KINDS)[K]['schema']>;
export type Verdict = v.InferOutput<(typeof KINDS)['verdict']['schema']>;
export type Content<K extends Kind> = K extends CsvKind ? Row<K>[] : Verdict;

export const KIND_NAMES = Object.keys(KINDS) as Kind[];

export function fileName(target: TargetName, kind: Kind): string {
  return `${target}_${kind}.${KINDS[kind].extension}`;
}

/** The target and kind of a file by its name; undefined if it is no file of a target. */
export function whatIs(name: string): { target: TargetName; kind: Kind } | undefined {
  const [target = ''] = name.split('_', 1);
  const kind = KIND_NAMES.find((known) => name === fileName(target, known));
  return kind && KEY.test(target) ? { target, kind } : undefined;
}

/** The kinds of file that every load leaves. @param namesReplicas whether the target's answers name their replica */
export function kindsOfLoad(namesReplicas: boolean): Kind[] {
  return KIND_NAMES.filter((kind) => KINDS[kind].writtenBy !== 'compare' && (namesReplicas || kind !== 'replicas'));
}

const NODE = v.object({
  name: v.string(),
  cpuModel: v.nullable(v.string()),
  instanceType: v.optional(v.string()),
  cpus: AMOUNT,
  memoryBytes: AMOUNT,
  kernel: v.string(),
  os: v.string(),
  containerRuntime: v.string(),
  architecture: v.string(),
});

/** What was installed; null where that is not known. */
const WORKLOAD = {
  image: v.nullable(v.object({ reference: v.string(), id: v.string(), sizeBytes: v.nullable(COUNT) })),
  chart: v.nullable(v.object({ version: v.string(), values: v.record(v.string(), v.unknown()) })),
};
const SERVER = v.object({
  name: v.string(),
  ...WORKLOAD,
  resources: v.record(
    v.string(),
    v.object({ requests: v.record(v.string(), v.string()), limits: v.record(v.string(), v.string()) }),
  ),
  settings: v.exactOptional(v.record(v.string(), v.string())),
});
const INTERFACE = v.object({
  server: v.string(),
  name: v.string(),
  label: v.string(),
  protocol: v.picklist(['http', 'grpc']),
  method: v.string(),
  asks: v.exactOptional(v.object({ one: v.string(), many: v.exactOptional(v.string()) })),
  answer: v.exactOptional(v.string()),
});

/** What was compared. */
const COMPARISON = v.object({
  title: v.string(),
  file: v.exactOptional(v.string()),
  baseline: key,
  threats: v.array(v.string()),
  columns: v.array(v.string()),
});

/** The node that each pod ran on, by the pod's name. */
const PODS = v.record(v.string(), v.string());

const BOUND = v.object({
  /** Such as 99, of which `p99` is the latency. */
  percentile: AMOUNT,
  milliseconds: AMOUNT,
});

/** What an experiment asks of each of its targets. */
const PLAN = v.object({
  /** How often its loads run, or how often it starts a replica. */
  trials: COUNT,
  /** The replicas, as `resources` of a server names them. */
  scaling: v.picklist(['one', 'core', 'auto']),
  /** Of `sweep`: the bounds of latency, such as p99 below 10 ms, whose rates it finds. */
  bounds: v.exactOptional(v.array(BOUND)),
  /** The bounds of every target's autoscaler, if it is on. */
  replicas: v.exactOptional(v.object({ min: COUNT, max: COUNT })),
  /**
   * One after another; none in a start. A step without a rate is a closed loop, and rates are in requests/s. Of `sweep`,
   * the steps of all targets; each target has further ones near its bounds.
   */
  steps: v.array(
    v.object({ seconds: AMOUNT, users: COUNT, rate: v.exactOptional(AMOUNT), batch: v.exactOptional(COUNT) }),
  ),
});

/** What environment.json holds; members that are not listed here are ignored. */
export const environmentSchema = v.object({
  version: member(v.string(), '', 'version of the project'),
  started: member(v.pipe(v.string(), v.isoTimestamp()), 'UTC', 'when the run began'),
  ended: member(v.pipe(v.string(), v.isoTimestamp()), 'UTC', 'when it ended'),
  mode: member(v.picklist(['cluster', 'local']), '', 'where the targets ran: in a cluster, or on one machine'),
  synthetic: member(v.optional(v.boolean()), '', 'true: made up to test the report; nothing was measured'),
  quick: member(v.boolean(), '', 'whether the run measured for minutes only, for a first impression'),
  interrupted: member(v.boolean(), '', 'whether the run stopped before everything was measured'),
  note: member(
    v.optional(v.pipe(v.string(), v.regex(/\S/, 'A note has text'))),
    '',
    'what a reader must know of this run, in the words of whoever made it; an empty line begins a new paragraph',
  ),
  options: member(v.record(v.string(), v.unknown()), '', 'every option of the command, as used'),
  seed: member(COUNT, '', 'seed of everything that was drawn at random'),
  git: member(
    v.nullable(v.object({ commit: v.string(), dirty: v.boolean() })),
    '',
    'commit of the project, and whether files differed from it; null outside of a git clone',
  ),
  machine: member(
    v.object({ cpuModel: v.string(), cpus: COUNT, memoryBytes: COUNT, kernel: v.string(), os: v.string() }),
    '',
    'where the command ran',
  ),
  kubernetes: member(
    v.nullable(v.object({ version: v.string(), nodes: v.array(NODE) })),
    '',
    'version and nodes of the cluster; null without one',
  ),
  comparison: member(
    v.optional(COMPARISON),
    '',
    'title; name of the servers file, which the built-in one lacks; the target that is the baseline; what speaks against ' +
      'trusting the figures, in sentences; columns of the cases. Older runs lack it, and compare the built-in servers',
  ),
  servers: member(
    v.record(key, SERVER),
    '',
    'by server: its name in sentences; its image; its chart’s version, and all values of its last installation; by ' +
      'replicas (`one`: one replica; `core`: one replica with a whole core; `auto`: autoscaled) the requests and limits of ' +
      'the pods that ran, as Kubernetes writes them; and its settings in the servers file, without secrets',
  ),
  interfaces: member(
    v.record(key, INTERFACE),
    '',
    'by interface, which is what a load asks (its target): its server; its name in sentences, and its label in columns; its ' +
      'protocol, and the method by which one value is asked for; how one value and many are asked for, and what is right. ' +
      'Files about a server itself have the key of its first interface, which is the server’s',
  ),
  loadGenerator: member(
    v.object({ ...WORKLOAD, pods: v.exactOptional(PODS) }),
    '',
    'image, chart and pods of the load generator, as those of a server',
  ),
  pods: member(
    v.record(v.string(), PODS),
    '',
    'by server: the node that each pod ran on, by the pod’s name; none where not known. Older runs have those of the load ' +
      'generator here, as `loadtest`',
  ),
  clock: member(
    v.object({ offsetSeconds: v.nullable(v.number()), of: v.string() }),
    's',
    'how far the clock of the cluster is ahead of the command’s; null where not known',
  ),
  ceiling: member(
    v.nullable(
      v.object({
        requestsPerSecond: v.record(v.string(), AMOUNT),
        openRequestsPerSecond: v.record(v.string(), AMOUNT),
        bound: AMOUNT,
        share: AMOUNT,
      }),
    ),
    'requests/s',
    'by target: what the load generator can send in that target’s form of request, in a closed loop and at a given ' +
      'rate; the highest rate that a load may offer, which is this share of the lowest of the latter, and for HTTP only ' +
      'if another protocol’s is lower; null where not measured',
  ),
  plan: member(
    v.record(v.string(), PLAN),
    '',
    'by experiment: what was to be measured, with everything resolved that the options leave open',
  ),
  leftOut: member(v.array(v.string()), '', 'what could not be measured, and why, in sentences'),
  verdicts: member(
    v.array(
      v.object({
        experiment: v.string(),
        trial: COUNT,
        round: v.exactOptional(COUNT),
        target: key,
        verdict: v.picklist(['VALID', 'INVALID']),
        reasons: v.array(v.string()),
      }),
    ),
    '',
    'the verdict of each load, which counts: with what `compare` found, such as a replica that answered nothing; of ' +
      '`capacity`, whose rounds have a load for each number of users, also the round',
  ),
});

export type Environment = v.InferOutput<typeof environmentSchema>;
/** What a run says that it compared. */
export type Comparison = v.InferOutput<typeof COMPARISON>;
export type Plan = v.InferOutput<typeof PLAN>;
/** A bound of latency; a share of the requests, in percent, must take less. */
export type Bound = v.InferOutput<typeof BOUND>;
export type Image = NonNullable<v.InferOutput<typeof SERVER>['image']>;

export const ENVIRONMENT = 'environment.json';

/** The name of a run, and of its folder when it is written: the time at which it began, such as 2026-01-31T23-59-59. */
export function runName({ started }: Pick<Environment, 'started'>): string {
  return started.slice(0, 19).replaceAll(':', '-');
}
