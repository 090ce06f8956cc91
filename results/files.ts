// Every file of a results folder: what it is, its columns with their units, and how it is read and written.
//
//   results/<date-time>/environment.json, README.md
//   results/<date-time>/<experiment>/<trial>/<target>_<kind>.csv or .json

import * as v from 'valibot';
import { AMOUNT, column, COUNT, member, NAME, NUMBER, oneOf, or, TEXT, TIME, WHOLE } from './columns.ts';

export const TARGETS = ['function', 'tfserving'] as const;
export type Target = (typeof TARGETS)[number];

const SHARES = ['50%', '66%', '75%', '80%', '90%', '95%', '98%', '99%', '99.9%', '99.99%', '100%'] as const;

function percentiles(when: string) {
  const of = (share: string) =>
    column(or('N/A', WHOLE), 'ms', `the fastest ${share} of the ${when} took at most this long`);
  const columns = Object.fromEntries(SHARES.map((share) => [share, of(share)]));
  return columns as Record<(typeof SHARES)[number], ReturnType<typeof of>>;
}

export interface Definition {
  extension: 'csv' | 'json';
  writtenBy: 'Locust' | 'the load test' | 'compare';
  /** A sentence. */
  about: string;
  /** Where only one target has such a file. */
  only?: Target;
  schema: v.ObjectSchema<v.ObjectEntries, undefined> | v.StrictObjectSchema<v.ObjectEntries, undefined>;
}

/** The files by what follows `<target>_` in their names. Columns are in the order of the file. */
export const KINDS = {
  stats: {
    extension: 'csv',
    writtenBy: 'Locust',
    about: 'The whole load, the seconds in which it settled too: a row for each request name, and the last for all.',
    schema: v.object({
      Type: column(TEXT, '', 'HTTP method; empty in the row for all'),
      Name: column(TEXT, '', 'name of the request; `Aggregated` in the row for all'),
      'Request Count': column(WHOLE, 'requests', 'requests that ended, the failed ones too'),
      'Failure Count': column(WHOLE, 'requests', 'those that failed'),
      'Median Response Time': column(NUMBER, 'ms', 'median of all requests, the failed ones too'),
      'Average Response Time': column(NUMBER, 'ms', 'mean'),
      'Min Response Time': column(NUMBER, 'ms', 'shortest'),
      'Max Response Time': column(NUMBER, 'ms', 'longest'),
      'Average Content Size': column(NUMBER, 'bytes', 'mean size of the answers’ content'),
      'Requests/s': column(NUMBER, 'requests/s', 'requests by the time from the first to the last'),
      'Failures/s': column(NUMBER, 'requests/s', 'failed requests by the same time'),
      ...percentiles('requests'),
    }),
  },
  stats_history: {
    extension: 'csv',
    writtenBy: 'Locust',
    about: 'What Locust knew each second: a row for each request name, and one for all.',
    schema: v.object({
      Timestamp: column(WHOLE, 's', 'Unix time'),
      'User Count': column(WHOLE, 'users', 'users that run'),
      Type: column(TEXT, '', 'HTTP method; empty in the row for all'),
      Name: column(TEXT, '', 'name of the request; `Aggregated` in the row for all'),
      'Requests/s': column(NUMBER, 'requests/s', 'mean of ten seconds, which end two seconds before the last request'),
      'Failures/s': column(NUMBER, 'requests/s', 'the same of failed requests'),
      ...percentiles('requests of the last ten seconds'),
      'Total Request Count': column(WHOLE, 'requests', 'requests that ended so far, the failed ones too'),
      'Total Failure Count': column(WHOLE, 'requests', 'those that failed so far'),
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
    about: 'A row for each way in which requests failed; none if none did.',
    schema: v.object({
      Method: column(TEXT, '', 'HTTP method'),
      Name: column(TEXT, '', 'name of the request'),
      Error: column(TEXT, '', 'why it failed'),
      Occurrences: column(WHOLE, 'requests', 'how many failed so'),
      'First Seen': column(or('', TIME), 'UTC', 'the first of them'),
      'Last Seen': column(or('', TIME), 'UTC', 'the last of them'),
    }),
  },
  exceptions: {
    extension: 'csv',
    writtenBy: 'Locust',
    about: 'A row for each error in the load test itself; none if there was none.',
    schema: v.object({
      Count: column(WHOLE, '', 'how often'),
      Message: column(TEXT, '', 'what it says'),
      Traceback: column(TEXT, '', 'where in the code; has line breaks'),
      Nodes: column(TEXT, '', 'the processes that it occurred in'),
    }),
  },
  steps: {
    extension: 'csv',
    writtenBy: 'the load test',
    about: 'A row for each step of the load that was measured.',
    schema: v.object({
      step: column(WHOLE, '', 'number of the step, from 0'),
      users: column(WHOLE, 'users', 'users that run'),
      batch: column(WHOLE, 'values', 'temperatures in a request'),
      offered_rate: column(or('', NUMBER), 'requests/s', 'promised rate of all users; empty in the closed loop'),
      start_s: column(WHOLE, 's', 'Unix time of the first second that is measured, after the load has settled'),
      end_s: column(WHOLE, 's', 'Unix time of the first second that is not measured any more'),
      requests: column(WHOLE, 'requests', 'requests that ended in this time, the failed ones too'),
      failures: column(WHOLE, 'requests', 'those that failed'),
      wrong_answers: column(WHOLE, 'requests', 'those that failed because a temperature was wrong'),
    }),
  },
  latency: {
    extension: 'csv',
    writtenBy: 'the load test',
    about: 'Histogram of the measured seconds’ response times; adding up counts merges steps and files.',
    schema: v.object({
      step: column(WHOLE, '', 'number of the step, as in `_steps.csv`'),
      clock: column(
        oneOf('service', 'response'),
        '',
        'from the sending of the request, or, only where a rate is offered, from when it should have been sent',
      ),
      outcome: column(oneOf('ok', 'failed'), '', 'whether the right answer came'),
      latency_us: column(WHOLE, 'µs', 'lower end of a bucket 10 µs wide'),
      count: column(WHOLE, 'requests', 'requests in the bucket'),
    }),
  },
  seconds: {
    extension: 'csv',
    writtenBy: 'the load test',
    about: 'Every second of the load, those in which it settled too; times count from the sending of the request.',
    schema: v.object({
      timestamp_s: column(WHOLE, 's', 'Unix time'),
      users: column(WHOLE, 'users', 'users that run'),
      requests: column(WHOLE, 'requests', 'requests that ended in this second, the failed ones too'),
      failures: column(WHOLE, 'requests', 'those that failed'),
      p50_us: column(or('', NUMBER), 'µs', 'median of this second’s requests; empty if none ended'),
      p99_us: column(or('', NUMBER), 'µs', '99th percentile; empty if none ended'),
      max_us: column(or('', NUMBER), 'µs', 'longest; empty if none ended'),
    }),
  },
  replicas: {
    extension: 'csv',
    writtenBy: 'the load test',
    about: 'Which replica answered when.',
    only: 'function',
    schema: v.object({
      timestamp_s: column(WHOLE, 's', 'Unix time'),
      app_id: column(NAME, '', 'identifier that a replica gives with its answers'),
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
      lag_ms: column(NUMBER, 'ms', 'longest time that its event loop came late'),
    }),
  },
  verdict: {
    extension: 'json',
    writtenBy: 'the load test',
    about: 'Whether the load was what was asked for, so that its figures can be used, and its figures in short.',
    schema: v.strictObject({
      target: member(v.picklist(TARGETS), '', 'who was asked'),
      verdict: member(v.picklist(['VALID', 'INVALID']), '', 'INVALID: the figures say nothing of the target'),
      reasons: member(v.array(v.string()), '', 'why it is INVALID: sentences; none if it is VALID'),
      requests: member(COUNT, 'requests', 'requests of the measured seconds, the failed ones too'),
      failures: member(COUNT, 'requests', 'those that failed'),
      wrongAnswers: member(COUNT, 'requests', 'those that failed because a temperature was wrong'),
      seconds: member(AMOUNT, 's', 'time that was measured'),
      throughput: member(AMOUNT, 'requests/s', 'requests by that time'),
      offeredRate: member(v.nullable(AMOUNT), 'requests/s', 'promised rate; null in the closed loop'),
      sentRate: member(v.nullable(AMOUNT), 'requests/s', 'rate that was sent; null in the closed loop'),
      p50Us: member(v.nullable(AMOUNT), 'µs', 'median, from the sending of the request; null without requests'),
      p99Us: member(v.nullable(AMOUNT), 'µs', '99th percentile; null without requests'),
      generator: member(
        v.strictObject({ processes: COUNT, cpuCores: v.nullable(AMOUNT), lagMs: v.nullable(AMOUNT) }),
        'cores, ms',
        'processes of the load generator; the most CPU that one used, as the highest median of a step; the 90th ' +
          'percentile of the seconds’ longest delays of an event loop',
      ),
      replicas: member(
        v.strictObject({ answered: v.nullable(COUNT), ready: v.nullable(COUNT) }),
        '',
        'replicas that answered in the last step, and that were ready; null where it is not known',
      ),
      locust: member(v.string(), '', 'version of Locust'),
      python: member(v.string(), '', 'version of Python'),
      settings: member(v.record(v.string(), v.unknown()), '', 'every option of the load test, as it was used'),
    }),
  },
  timeline: {
    extension: 'csv',
    writtenBy: 'compare',
    about: 'Replicas, and what all of them together use, each second of the load.',
    schema: v.object({
      timestamp_s: column(NUMBER, 's', 'Unix time'),
      desired_replicas: column(WHOLE, '', 'replicas that the autoscaler wants'),
      ready_replicas: column(WHOLE, '', 'replicas that are ready'),
      cpu_cores: column(or('', NUMBER), 'cores', 'CPU by the metrics API; empty until it knows it'),
      memory_bytes: column(or('', NUMBER), 'bytes', 'memory by the metrics API; empty until it knows it'),
    }),
  },
  pods: {
    extension: 'csv',
    writtenBy: 'compare',
    about: 'The kubelet’s counters of each pod; no such file where the caller may not read them.',
    schema: v.object({
      timestamp_s: column(NUMBER, 's', 'Unix time of the counter'),
      pod: column(NAME, '', 'name of the pod'),
      cpu_seconds: column(NUMBER, 's', 'CPU time that it has used since its start'),
      memory_bytes: column(or('', WHOLE), 'bytes', 'its working set; empty where it is not known'),
    }),
  },
  coldstarts: {
    extension: 'csv',
    writtenBy: 'compare',
    about: 'A row for each start of a replica, timed to its first correct answer.',
    schema: v.object({
      start: column(WHOLE, '', 'number of the start'),
      pod_created_s: column(NUMBER, 's', 'Unix time of the pod’s creation'),
      first_answer_ms: column(NUMBER, 'ms', 'from there to the first correct answer of the pod itself'),
      first_service_answer_ms: column(
        or('', NUMBER),
        'ms',
        'from there to the first correct answer through the Service; empty without one',
      ),
    }),
  },
  footprint: {
    extension: 'csv',
    writtenBy: 'compare',
    about: 'Sizes of the image, and of the memory before and under load; a row for each that is known.',
    schema: v.object({
      what: column(oneOf('image', 'memory_idle', 'memory_loaded'), '', 'of what'),
      bytes: column(NUMBER, 'bytes', 'its size'),
    }),
  },
} as const satisfies Record<string, Definition>;

export type Kind = keyof typeof KINDS;
export type KindBy<Part extends Partial<Definition>> = {
  [K in Kind]: (typeof KINDS)[K] extends Part ? K : never;
}[Kind];
export type CsvKind = KindBy<{ extension: 'csv' }>;

/** A row of a CSV file: columns by their names, numbers as such, null where there is no value. */
export type Row<K extends CsvKind> = v.InferOutput<(typeof KINDS)[K]['schema']>;
export type Verdict = v.InferOutput<(typeof KINDS)['verdict']['schema']>;
export type Content<K extends Kind> = K extends CsvKind ? Row<K>[] : Verdict;

export const KIND_NAMES = Object.keys(KINDS) as Kind[];

export function fileName(target: Target, kind: Kind): string {
  return `${target}_${kind}.${KINDS[kind].extension}`;
}

/** The target and kind of a file by its name; undefined if it is none of a target. */
export function whatIs(name: string): { target: Target; kind: Kind } | undefined {
  return TARGETS.flatMap((target) => KIND_NAMES.map((kind) => ({ target, kind }))).find(
    ({ target, kind }) => name === fileName(target, kind),
  );
}

/** The files that every run of the load test leaves. */
export function kindsOfLoad(target: Target): Kind[] {
  return KIND_NAMES.filter((kind) => {
    const { writtenBy, only = target }: Definition = KINDS[kind];
    return writtenBy !== 'compare' && only === target;
  });
}

const NODE = v.object({
  name: v.string(),
  cpuModel: v.nullable(v.string()),
  cpus: AMOUNT,
  memoryBytes: AMOUNT,
  kernel: v.string(),
  os: v.string(),
  containerRuntime: v.string(),
  architecture: v.string(),
});

/** Members that are not known here are passed over. */
export const environmentSchema = v.object({
  version: member(v.string(), '', 'version of the project'),
  started: member(v.pipe(v.string(), v.isoTimestamp()), 'UTC', 'when the run began'),
  ended: member(v.pipe(v.string(), v.isoTimestamp()), 'UTC', 'when it ended'),
  mode: member(v.picklist(['cluster', 'local']), '', 'where the targets ran: in a cluster, or on one machine'),
  synthetic: member(v.optional(v.boolean()), '', 'true: made up, to test the report; nothing was measured'),
  quick: member(v.boolean(), '', 'whether it measured for minutes only: for a first impression'),
  interrupted: member(v.boolean(), '', 'whether it was stopped before all was measured'),
  options: member(v.record(v.string(), v.unknown()), '', 'every option of the command, as it was used'),
  seed: member(COUNT, '', 'seed of the temperatures that were asked'),
  git: member(
    v.nullable(v.object({ commit: v.string(), dirty: v.boolean() })),
    '',
    'commit of the project, and whether files differed from it; null outside of a clone',
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
  images: member(
    v.record(v.string(), v.object({ reference: v.string(), id: v.string(), sizeBytes: v.nullable(COUNT) })),
    '',
    'by part: the image that ran',
  ),
  resources: member(
    v.record(
      v.string(),
      v.object({ requests: v.record(v.string(), v.string()), limits: v.record(v.string(), v.string()) }),
    ),
    '',
    'by target: requests and limits of what ran, as Kubernetes writes them',
  ),
  charts: member(
    v.record(v.string(), v.object({ version: v.string(), values: v.record(v.string(), v.unknown()) })),
    '',
    'by chart: its version, and all values that it was installed with',
  ),
  clock: member(
    v.object({ offsetSeconds: v.nullable(v.number()), of: v.string() }),
    's',
    'how far the clock of the cluster is ahead of the command’s; null where it is not known',
  ),
  ceiling: member(
    v.nullable(v.object({ requestsPerSecond: v.record(v.string(), AMOUNT), bound: AMOUNT })),
    'requests/s',
    'by target: what the load generator can send in its form of request; and the highest rate that was offered ' +
      'therefore; null where it was not measured',
  ),
  leftOut: member(v.array(v.string()), '', 'what could not be measured, and why: sentences'),
  verdicts: member(
    v.array(
      v.object({
        experiment: v.string(),
        trial: COUNT,
        target: v.picklist(TARGETS),
        verdict: v.picklist(['VALID', 'INVALID']),
        reasons: v.array(v.string()),
      }),
    ),
    '',
    'of each load',
  ),
});

export type Environment = v.InferOutput<typeof environmentSchema>;

export const ENVIRONMENT = 'environment.json';
