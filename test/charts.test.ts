import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { getDefaults, getMetadata } from 'valibot';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { settingsSchema } from '../function/src/settings.ts';
import { describeWithHelm } from './needs.ts';
import { CHARTS as FOLDERS, RELEASES, type Chart } from '../lib/project.ts';

const FUNCTION = 'chart';
const TFSERVING = 'tfserving/chart';
const CHARTS = [FUNCTION, TFSERVING];
const LOADTEST = 'loadtest/chart';

type Tree = Record<string, unknown>;

test.each([...CHARTS, LOADTEST])('%s has the version of the project', (chart) => {
  const { version } = parse(readFileSync('package.json', 'utf8')) as Tree;
  expect(parse(readFileSync(`${chart}/Chart.yaml`, 'utf8'))).toMatchObject({ version, appVersion: version });
});

test("the function's settings are values of its chart, with the same defaults", () => {
  const { settings, service } = parse(readFileSync(`${FUNCTION}/values.yaml`, 'utf8')) as Record<string, Tree>;
  const values = Object.entries(settings!).map(([name, value]) => [variable(name), String(value)]);
  expect({ PORT: String(service!.targetPort), ...Object.fromEntries(values) }).toEqual(getDefaults(settingsSchema));
});

test("the schema of the function's chart accepts what the settings accept", () => {
  const schema = parse(readFileSync(`${FUNCTION}/values.schema.json`, 'utf8')) as {
    properties: { settings: { properties: Record<string, { enum?: string[]; minimum?: number; maximum?: number }> } };
  };
  for (const [name, value] of Object.entries(schema.properties.settings.properties)) {
    const setting = settingsSchema.entries[variable(name) as keyof typeof settingsSchema.entries];
    const { accepted } = getMetadata(setting.wrapped);
    if (value.enum) expect(value.enum.toSorted(), name).toEqual(accepted.split(' or ').toSorted());
    else if (value.maximum) expect(accepted, name).toMatch(` from ${String(value.minimum)} to ${value.maximum}`);
    else expect(accepted, name).toBe('true or false');
  }
});

test.each([...CHARTS, LOADTEST])('the schema of %s describes every key', (chart) => {
  const schema = parse(readFileSync(`${chart}/values.schema.json`, 'utf8')) as Tree;
  expect(Object.keys(schema.properties as Tree).length).toBeGreaterThan(20);
  expect(undescribed(schema)).toEqual([]);
});

/** Keys without a description in a schema, but for those of conditions, which are described elsewhere. */
function undescribed(schema: Tree): string[] {
  return Object.entries(schema).flatMap(([word, value]) => {
    if (typeof value !== 'object' || value === null || ['if', 'then', 'else'].includes(word)) return [];
    const keys = word === 'properties' ? Object.entries(value as Record<string, Tree>) : [];
    const bare = keys.filter(([, { description }]) => !description).map(([key]) => key);
    return [...bare, ...undescribed(value as Tree)];
  });
}

/** The environment variable of a value: maxValues is MAX_VALUES. */
function variable(name: string): string {
  return name === 'runtime' ? 'FUNCTION_RUNTIME' : name.replace(/[A-Z]/g, '_$&').toUpperCase();
}

describeWithHelm('the Deployments of both targets', () => {
  const own = [
    ...['args', 'env', 'ports', 'lifecycle', 'httpGet', 'volumeMounts', 'volumes'],
    ...['nodeSelector', 'shareProcessNamespace', 'terminationGracePeriodSeconds'],
  ];
  test.each(['default', 'everything'])('are alike but for what runs in them, with %s-values.yaml', (name) => {
    const [ofFunction, ofTfserving] = CHARTS.map((chart) => {
      const deployment = objectsOf(chart, `${chart}/ci/${name}-values.yaml`).find(({ kind }) => kind === 'Deployment');
      return JSON.stringify(deployment, (key, value: unknown) => (own.includes(key) ? undefined : value), 2);
    });
    expect(ofFunction).toContain('"cpu"');
    expect(ofTfserving).toBe(ofFunction);
  });
});

describeWithHelm('the values in the README', () => {
  test.each(CHARTS)('of %s are values of the chart', (chart) => {
    const examples = readFileSync(`${chart}/README.md`, 'utf8').matchAll(/^```yaml\n([^]*?)^```/gm);
    const kinds = [...examples].map(([, values]) => objectsOf(chart, '-', values).map(({ kind }) => kind));
    expect(kinds.length).toBeGreaterThan(0);
    for (const found of kinds) expect(found).toContain('Deployment');
  });
});

describeWithHelm('the load test', () => {
  test.each(globSync(`${LOADTEST}/ci/*-values.yaml`))('has no argument that is a bare word, with %s', (values) => {
    const jobs = objectsOf(LOADTEST, values).filter(({ kind }) => kind === 'Job') as unknown as Workload[];
    expect(jobs).not.toHaveLength(0);
    for (const { spec } of jobs) {
      const [container] = spec.template.spec.containers;
      expect(container!.args).toContain('--results=/results');
      // Locust takes a separate word for the name of a user class.
      for (const argument of container!.args as string[]) expect(argument).toMatch(/^--[a-z][a-z-]*(=.+)?$/);
    }
  });
});

describeWithHelm('npm run compare', () => {
  test.each(Object.entries(FOLDERS))('finds the container of the chart %s by its name', (chart, folder) => {
    const { stdout } = spawnSync('helm', ['template', 'any', folder], { encoding: 'utf8' });
    const objects = parseAllDocuments(stdout).map((each) => each.toJS() as (Workload & { kind: string }) | null);
    const workloads = objects.filter((each) => each?.kind === 'Deployment' || each?.kind === 'Job');
    const names = workloads.flatMap((each) => each?.spec.template.spec.containers.map(({ name }) => name));
    expect(names).toEqual([RELEASES[chart as Chart]]);
  });
});

interface Workload {
  spec: Tree & { template: { spec: Tree & { containers: Tree[] } } };
}

/**
 * Renders a chart, and returns all of its objects. Both targets get the same name, so that a test can compare them.
 * @param values a file of values, or `-` for those of `input`
 */
function objectsOf(chart: string, values: string, input = ''): (Tree & { kind: string })[] {
  const args = ['template', 'f2c', chart, '--values', values];
  const { status, stdout, stderr } = spawnSync('helm', args, { input, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  const documents = parseAllDocuments(stdout.replaceAll('f2c-tfserving', 'f2c-function'));
  return documents.map((document) => document.toJS() as Tree & { kind: string });
}
