// Makes what the charts have in common from chart/, so that it is written once, and each chart stays complete and plain.
// `npm run docs:charts` does it; with --check it only tells which files are stale, and exits with 1 if one is.

import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml';

const TFSERVING = 'tfserving/chart';

/** The files of chart/ that another chart has too, with another prefix in the names of templates, labels and images. */
const COPIES = [
  {
    chart: TFSERVING,
    prefix: 'f2c-tfserving',
    files: [
      '.helmignore',
      ...['cluster-ip', 'default', 'everything', 'fixed-replicas', 'network-policy', 'service-monitor'].map(
        (name) => `ci/${name}-values.yaml`,
      ),
      'files/known-temperatures.csv',
      'files/known-temperatures.ts',
      ...['_names', '_pods'].map((name) => `templates/${name}.tpl`),
      ...[
        'checks',
        'extra-objects',
        'hpa',
        'httproute',
        'ingress',
        'networkpolicy',
        'pdb',
        'serviceaccount',
        'servicemonitor',
      ].map((name) => `templates/${name}.yaml`),
    ],
  },
  { chart: 'loadtest/chart', prefix: 'f2c-loadtest', files: ['.helmignore', 'templates/_names.tpl'] },
];

/** The values that one of the targets' charts has for itself. All others are in tfserving/chart what they are in chart/, */
const OWN = /^(settings|knative|preStopSleepSeconds|nodeSelector|threads|extraArgs|test|service\.grpc\w+)$/;
/** but for the defaults of these, */
const OWN_DEFAULTS =
  /^(service\.(port|targetPort)|networkPolicy\.ports|serviceMonitor\.path|terminationGracePeriodSeconds)$/;
/** and for these places of the schema. */
const OWN_RULES = /^(title|required|if|definitions\.threads|properties\.service\.(if|required))$/;

if (import.meta.main) {
  for (const [file, text] of await made()) {
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    if (!process.argv.includes('--check')) {
      writeFileSync(file, text);
      continue;
    }
    console.error(`${file} is stale: npm run docs:charts makes it again.`);
    process.exitCode = 1;
  }
}

/** Every file that is made, with its text. */
async function made(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const read = (file: string) => files.get(file) ?? readFileSync(file, 'utf8');

  files.set('chart/files/known-temperatures.csv', read('model/known-temperatures.csv'));
  for (const { chart, prefix, files: copied } of COPIES) {
    for (const file of copied) files.set(`${chart}/${file}`, read(`chart/${file}`).replaceAll('f2c-function', prefix));
  }
  for (const [name, isOwn] of [
    ['values.yaml', (path: string) => OWN.test(path) || OWN_DEFAULTS.test(path)],
    ['values.schema.json', (path: string) => OWN.test(path.replaceAll('properties.', '')) || OWN_RULES.test(path)],
  ] as const) {
    const shared = read(`chart/${name}`).replaceAll('f2c-function', 'f2c-tfserving');
    const file = `${TFSERVING}/${name}`;
    files.set(file, await pretty(merged(shared, read(file), isOwn), file));
  }
  // Editors show a schema's descriptions.
  for (const values of globSync('{,*/}chart/values.yaml')) {
    const schema = values.replace('values.yaml', 'values.schema.json');
    files.set(schema, await pretty(described(read(values), read(schema)), schema));
  }
  return files;
}

async function pretty(text: string, file: string): Promise<string> {
  return format(text, { ...(await resolveConfig(file)), filepath: file });
}

/** @returns the shared text, as YAML, but with what the other text has of its own, each in its place */
function merged(sharedText: string, otherText: string, isOwn: (path: string) => boolean): string {
  const shared = parseDocument(sharedText);
  merge(shared.contents as YAMLMap, parseDocument(otherText).contents as YAMLMap, isOwn);
  return shared.toString({ lineWidth: 0 });
}

function merge(shared: YAMLMap, other: YAMLMap, isOwn: (path: string) => boolean, path = ''): void {
  shared.items = shared.items.filter(({ key }) => !isOwn(path + String(key)));
  for (const [index, pair] of other.items.entries()) {
    const key = String(pair.key);
    if (isOwn(path + key)) {
      const before = String(other.items[index - 1]?.key);
      shared.items.splice(shared.items.findIndex((item) => String(item.key) === before) + 1, 0, pair);
    } else {
      const same = shared.get(pair.key);
      if (isMap(same) && isMap(pair.value)) merge(same, pair.value, isOwn, `${path}${key}.`);
    }
  }
}

interface Schema {
  $ref?: string;
  description?: string;
  properties?: Record<string, Schema>;
  definitions?: Record<string, Schema>;
}

/** @returns the schema, as JSON, with the comments of values.yaml as descriptions */
function described(values: string, json: string): string {
  const root = JSON.parse(json) as Schema;
  const document = parseDocument(values);
  if (isMap(document.contents)) describeKeys(document.contents, root, root, document.commentBefore);
  return JSON.stringify(root);
}

/** @param firstComment of the map's first key, which YAML gives to the map */
function describeKeys(map: YAMLMap, schema: Schema, root: Schema, firstComment?: string | null): void {
  const { properties } = target(schema, root);
  for (const [index, { key, value }] of map.items.entries()) {
    if (!isScalar(key) || !properties) continue;
    const property = properties[String(key.value)];
    if (!property) continue;
    const comment = key.commentBefore ?? (index === 0 ? firstComment : undefined);
    if (comment) property.description = sentence(comment);
    if (isMap(value)) describeKeys(value, property, root, value.commentBefore);
  }
}

function target(schema: Schema, root: Schema): Schema {
  const name = schema.$ref?.replace('#/definitions/', '');
  return name === undefined ? schema : (root.definitions?.[name] ?? {});
}

/** What helm-docs reads: ` -- (int) Port`, on one line or several. */
function sentence(comment: string): string {
  return comment
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .replace(/^-- /, '')
    .replace(/^\(\w+\) /, '');
}
