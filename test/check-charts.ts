// Checks all charts without a cluster; exits with 1 if anything is wrong. `npm run check:charts` runs it.
//
// By default, kubeconform downloads Kubernetes' schemas, for each version below. The environment variable
// KUBECONFORM_SCHEMAS selects another source, as kubeconform's -schema-location does; it has schemas of one version.

import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { goTool } from '../.github/scripts/go-tool.ts';

const TARGETS = ['chart', 'tfserving/chart'];
const CHARTS = [...TARGETS, 'loadtest/chart'];
/** Suites of helm-unittest for the templates that each target has for itself. */
const SHARED_SUITES = 'test/helm-unittest/*_test.yaml';
/** From the oldest version that the charts take to the newest that is known to work. */
const KUBERNETES = ['1.30.0', '1.31.0', '1.32.0', '1.33.0', '1.34.0', '1.35.0'];
/** Resource definitions for kubeconform: the module that has each, the file in it, and the schema's name. */
const DEFINITIONS: [module: string, file: string, name: string][] = [
  ['knative.dev/serving@v0.51.0', 'config/core/300-resources/service.yaml', 'service-serving-v1'],
  [
    'sigs.k8s.io/gateway-api@v1.5.0',
    'config/crd/standard/gateway.networking.k8s.io_httproutes.yaml',
    'httproute-gateway-v1',
  ],
  [
    'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    'example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml',
    'servicemonitor-monitoring-v1',
  ],
];

/** Where kubeconform keeps the schemas that it downloads: each belongs to a version, and stays as it is. */
const DOWNLOADED = join(homedir(), '.cache/kubeconform');

const TOOLS: [command: string[], whereToGetIt: string][] = [
  [['helm', 'version'], 'install it from https://helm.sh'],
  [
    ['go', 'version'],
    'install Go 1.24 or newer from https://go.dev: it builds kubeconform, helm-unittest and helm-docs',
  ],
];

process.chdir(join(import.meta.dirname, '..'));
mkdirSync(DOWNLOADED, { recursive: true });
const schemas = mkdtempSync(join(tmpdir(), 'schemas-'));
try {
  process.exitCode = check() ? 0 : 1;
} finally {
  rmSync(schemas, { recursive: true });
}

function check(): boolean {
  const missing = TOOLS.filter(([command]) => !run(command).ok);
  for (const [[program], whereToGetIt] of missing) {
    console.error(`check:charts needs ${String(program)}, which does not run here; ${whereToGetIt}.`);
  }
  if (missing.length > 0) return false;

  const results = [
    ...DEFINITIONS.map((definition) => schemaOf(...definition)),
    ...CHARTS.flatMap((chart) => [lint(chart), documentation(chart)]),
    shared(),
    ...CHARTS.map(unitTests),
    ...CHARTS.flatMap((chart) => valuesFiles(chart).map((values) => schema(chart, values))),
  ];
  const failed = results.filter((ok) => !ok).length;
  console.log(failed === 0 ? `${results.length} checks passed` : `${failed} of ${results.length} checks failed`);
  return failed === 0;
}

/** Lists the files of values in a chart's ci/ folder. Each shows one way to use the chart. */
function valuesFiles(chart: string): string[] {
  return globSync(`${chart}/ci/*-values.yaml`).sort();
}

function lint(chart: string): boolean {
  const files = valuesFiles(chart);
  const results = files.map((values) => run(['helm', 'lint', '--strict', chart, '--values', values]));
  const failed = results.filter(({ ok }) => !ok);
  return report(`helm lint --strict ${chart}, ${files.length} files of values`, failed.length === 0, failed);
}

function documentation(chart: string): boolean {
  const { ok, output } = run([
    goTool('helm-docs'),
    '--dry-run',
    '--log-level',
    'warning',
    '--chart-search-root',
    chart,
  ]);
  const isCurrent = output.trim() === readFileSync(`${chart}/README.md`, 'utf8').trim();
  const failed = ok
    ? [{ output: `${chart}/README.md is not what helm-docs makes: npm run docs:charts makes it again.` }]
    : [{ output }];
  return report(`helm-docs ${chart}`, ok && isCurrent, failed);
}

function shared(): boolean {
  const { ok, output } = run(['node', '.github/scripts/make-charts.ts', '--check']);
  return report('what the charts have in common is as chart/ has it', ok, [{ output }]);
}

function unitTests(chart: string): boolean {
  // helm-unittest takes suites by their paths from the chart.
  const shared = TARGETS.includes(chart) ? ['--file', relative(chart, SHARED_SUITES)] : [];
  const { ok, output } = run([goTool('helm-unittest'), '--strict', '--file', 'tests/*_test.yaml', ...shared, chart]);
  const [counts] = /^Tests:.*/m.exec(output) ?? ['no tests ran'];
  return report(`helm-unittest --strict ${chart}: ${counts.replace(/Tests:\s*/, '')}`, ok, [{ output }]);
}

function schema(chart: string, values: string): boolean {
  const rendered = run(['helm', 'template', 'f2c', chart, '--values', values]);
  if (!rendered.ok) return report(`helm template ${chart} --values ${values}`, false, [rendered]);
  const { KUBECONFORM_SCHEMAS } = process.env;
  const location = ['-schema-location', KUBECONFORM_SCHEMAS ?? 'default', '-cache', DOWNLOADED];
  const others = ['-schema-location', join(schemas, '{{ .ResourceKind }}{{ .KindSuffix }}.json')];
  const options = ['-strict', '-summary', ...location, ...others];
  const versions = KUBECONFORM_SCHEMAS ? ['master'] : KUBERNETES;
  const results = versions.map((version) => {
    const { ok, output } = run([goTool('kubeconform'), ...options, '-kubernetes-version', version], rendered.output);
    return { ok, output: `With Kubernetes ${version}:\n${output}` };
  });
  const counts = results.at(-1)?.output.trim().split('\n').at(-1)?.replace('Summary: ', '') ?? '';
  const failed = results.filter(({ ok }) => !ok);
  return report(`kubeconform -strict ${values}: ${counts}`, failed.length === 0, failed);
}

/**
 * Extracts a JSON schema from a resource definition, because kubeconform reads only plain schemas. Its strict mode needs a
 * schema that forbids unknown members.
 */
function schemaOf(module: string, file: string, name: string): boolean {
  const { ok, output } = run(['go', 'mod', 'download', '-json', module]);
  if (!ok) return report(`${name}, from ${module}`, false, [{ output }]);
  const { Dir } = JSON.parse(output) as { Dir: string };
  const definition = parse(readFileSync(join(Dir, file), 'utf8')) as {
    spec: { versions: { name: string; schema: { openAPIV3Schema: unknown } }[] };
  };
  const v1 = definition.spec.versions.find((version) => version.name === 'v1');
  const json = JSON.stringify(v1?.schema.openAPIV3Schema, (_, value: unknown) =>
    isClosed(value) ? close(value) : value,
  );
  writeFileSync(join(schemas, `${name}.json`), json);
  return report(`${name}, from ${module}`, true, []);
}

function isClosed(value: unknown): value is object {
  const isObject = typeof value === 'object' && value !== null;
  return isObject && 'type' in value && 'properties' in value && !('x-kubernetes-preserve-unknown-fields' in value);
}

function close(value: object) {
  return { ...value, additionalProperties: false };
}

/** Prints what was checked, and the output of each failure. */
function report(what: string, ok: boolean, failed: { output: string }[]): boolean {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${what}`);
  if (!ok) for (const { output } of failed) console.error(output.trim());
  return ok;
}

function run([command = '', ...args]: string[], input = ''): { ok: boolean; output: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, { input, encoding: 'utf8' });
  if (error) return { ok: false, output: error.message };
  return { ok: status === 0, output: status === 0 ? stdout : stdout + stderr };
}
