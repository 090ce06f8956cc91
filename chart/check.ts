// Checks all charts without a cluster; exits with 1 if anything is wrong. `npm run check:charts` runs it.
//
// KUBECONFORM_SCHEMAS: where kubeconform takes Kubernetes' schemas from, as in its -schema-location; online by default.

import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';

const CHARTS = ['chart', 'tfserving/chart', 'loadtest/chart'];
/** The oldest version that the charts take. */
const KUBERNETES = '1.30.0';
const KNATIVE = 'knative.dev/serving@v0.51.0';

const TOOLS: [command: string[], whereToGetIt: string][] = [
  [['helm', 'version'], 'install it from https://helm.sh'],
  [['helm', 'unittest', '--help'], 'install the plugin from https://github.com/helm-unittest/helm-unittest'],
  [['kubeconform', '-v'], 'go install github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0'],
  [['helm-docs', '--version'], 'go install github.com/norwoodj/helm-docs/cmd/helm-docs@v1.14.2'],
  [['go', 'version'], 'install it from https://go.dev: the schema of Knative services comes in a Go module'],
];

process.chdir(join(import.meta.dirname, '..'));
const schemas = mkdtempSync(join(tmpdir(), 'schemas-'));
try {
  process.exitCode = check() ? 0 : 1;
} finally {
  rmSync(schemas, { recursive: true });
}

function check(): boolean {
  const missing = TOOLS.filter(([command]) => !run(command).ok);
  for (const [command, whereToGetIt] of missing) {
    const name = command[1] === 'unittest' ? 'helm unittest' : command[0];
    console.error(`check:charts needs ${String(name)}, which does not run here; ${whereToGetIt}.`);
  }
  if (missing.length > 0) return false;

  const results = [
    knativeSchema(),
    ...CHARTS.flatMap((chart) => [lint(chart), documentation(chart)]),
    unitTests(),
    ...CHARTS.flatMap((chart) => valuesFiles(chart).map((values) => schema(chart, values))),
  ];
  const failed = results.filter((ok) => !ok).length;
  console.log(failed === 0 ? `${results.length} checks passed` : `${failed} of ${results.length} checks failed`);
  return failed === 0;
}

/** Each stands for a way to use the chart; the first one for the defaults. */
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
  const { ok, output } = run(['helm-docs', '--dry-run', '--log-level', 'warning', '--chart-search-root', chart]);
  const isCurrent = output.trim() === readFileSync(`${chart}/README.md`, 'utf8').trim();
  const failed = ok ? [{ output: `${chart}/README.md is not what helm-docs makes: run helm-docs.` }] : [{ output }];
  return report(`helm-docs ${chart}`, ok && isCurrent, failed);
}

function unitTests(): boolean {
  const { ok, output } = run(['helm', 'unittest', '--strict', ...CHARTS]);
  const [counts] = /^Tests:.*/m.exec(output) ?? ['no tests ran'];
  return report(`helm unittest --strict: ${counts.replace(/Tests:\s*/, '')}`, ok, [{ output }]);
}

function schema(chart: string, values: string): boolean {
  const rendered = run(['helm', 'template', 'f2c', chart, '--values', values]);
  if (!rendered.ok) return report(`helm template ${chart} --values ${values}`, false, [rendered]);
  const location = ['-schema-location', process.env.KUBECONFORM_SCHEMAS ?? 'default'];
  const knative = ['-schema-location', join(schemas, '{{ .ResourceKind }}{{ .KindSuffix }}.json')];
  const options = ['-strict', '-kubernetes-version', KUBERNETES, '-skip', 'ServiceMonitor', '-summary'];
  const { ok, output } = run(['kubeconform', ...options, ...location, ...knative], rendered.output);
  const counts = output.trim().split('\n').at(-1)?.replace('Summary: ', '') ?? '';
  return report(`kubeconform -strict ${values}: ${counts}`, ok, [{ output }]);
}

/** Kubernetes' resource definitions hold JSON schemas; kubeconform wants one alone, and no other members in strict mode. */
function knativeSchema(): boolean {
  const { ok, output } = run(['go', 'mod', 'download', '-json', KNATIVE]);
  if (!ok) return report(`schema of Knative services, from ${KNATIVE}`, false, [{ output }]);
  const { Dir } = JSON.parse(output) as { Dir: string };
  const definition = parse(readFileSync(join(Dir, 'config/core/300-resources/service.yaml'), 'utf8')) as {
    spec: { versions: { name: string; schema: { openAPIV3Schema: unknown } }[] };
  };
  const v1 = definition.spec.versions.find(({ name }) => name === 'v1');
  const json = JSON.stringify(v1?.schema.openAPIV3Schema, (_, value: unknown) =>
    isClosed(value) ? close(value) : value,
  );
  writeFileSync(join(schemas, 'service-serving-v1.json'), json);
  return report(`schema of Knative services, from ${KNATIVE}`, true, []);
}

function isClosed(value: unknown): value is object {
  const isObject = typeof value === 'object' && value !== null;
  return isObject && 'type' in value && 'properties' in value && !('x-kubernetes-preserve-unknown-fields' in value);
}

function close(value: object) {
  return { ...value, additionalProperties: false };
}

/** Prints what was checked, and where it failed, why. */
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
