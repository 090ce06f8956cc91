// Writes the comments of each chart's values.yaml into its values.schema.json as descriptions, which editors show.
// `npm run docs:charts` does it; with --check it only tells which schemas are stale, and exits with 1 if one is.

import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml';

interface Schema {
  $ref?: string;
  description?: string;
  properties?: Record<string, Schema>;
  definitions?: Record<string, Schema>;
}

if (import.meta.main) {
  for (const values of globSync('{,*/}chart/values.yaml')) {
    const file = values.replace('values.yaml', 'values.schema.json');
    const old = readFileSync(file, 'utf8');
    const described = await describe(readFileSync(values, 'utf8'), old);
    if (described === old) continue;
    if (!process.argv.includes('--check')) {
      writeFileSync(file, described);
      continue;
    }
    console.error(`${file} is stale: npm run docs:charts makes it again from the comments in ${values}.`);
    process.exitCode = 1;
  }
}

/** @returns the schema, as JSON, with the comments of values.yaml */
export async function describe(values: string, json: string): Promise<string> {
  const root = JSON.parse(json) as Schema;
  const document = parseDocument(values);
  if (isMap(document.contents)) describeKeys(document.contents, root, root, document.commentBefore);
  const config = await resolveConfig('values.schema.json');
  return format(JSON.stringify(root), { ...config, parser: 'json' });
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
