// Packages the charts for publication: it sets the version of a release, and the registry that has the images.

import { Command, InvalidArgumentError } from 'commander';
import { execaSync } from 'execa';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { registry as parseRegistry } from '../../cluster/options.ts';
import packageJson from '../../package.json' with { type: 'json' };

const { registry, chartVersion, imageTag } = new Command('npm run package:charts --')
  .description('Packages the three charts for publication, in dist/charts/.')
  .requiredOption('--registry <name>', 'the registry that has the images, such as docker.io/me', parseRegistry)
  .option('--chart-version <version>', 'the version of the charts', version, packageJson.version)
  .option('--image-tag <tag>', 'the tag of the images', tag, packageJson.version)
  .addHelpText('after', '\nExample:\n  npm run package:charts -- --registry docker.io/me')
  .parse()
  .opts<{ registry: string; chartVersion: string; imageTag: string }>();

if (execaSync('helm', ['version'], { reject: false }).failed) {
  console.error('package:charts needs helm, which does not run here; install it from https://helm.sh.');
  process.exit(1);
}
for (const file of globSync('{,*/}chart/Chart.yaml')) {
  const copy = mkdtempSync(join(tmpdir(), 'chart-'));
  try {
    cpSync(dirname(file), copy, { recursive: true });
    publishable(copy);
    const versions = ['--version', chartVersion, '--app-version', imageTag];
    execaSync('helm', ['package', copy, ...versions, '--destination', 'dist/charts'], { stdout: 'inherit' });
  } finally {
    rmSync(copy, { recursive: true });
  }
}

function version(text: string): string {
  if (/^\d+\.\d+\.\d+(-[\w.-]+)?$/.test(text)) return text;
  throw new InvalidArgumentError('A version is wanted, such as 1.2.3 or 1.2.3-rc.1.');
}

function tag(text: string): string {
  if (/^\w[\w.-]{0,127}$/.test(text)) return text;
  throw new InvalidArgumentError('A tag is wanted, of letters, digits, dots, dashes and underscores.');
}

/**
 * Adds `-chart` to a chart's name, and the registry to the names of its images. In a registry, a chart and an image
 * with the same name would overwrite each other. `nameOverride` keeps the ending out of the names of objects.
 */
function publishable(chart: string): void {
  const metadata = parseDocument(readFileSync(join(chart, 'Chart.yaml'), 'utf8'));
  const name = metadata.get('name') as string;
  metadata.set('name', `${name}-chart`);
  writeFileSync(join(chart, 'Chart.yaml'), metadata.toString());

  const values = parseDocument(readFileSync(join(chart, 'values.yaml'), 'utf8'));
  values.set('nameOverride', name);
  for (const path of [['image'], ['test', 'image']]) {
    const repository = values.getIn([...path, 'repository']);
    if (typeof repository === 'string') values.setIn([...path, 'repository'], `${registry}/${repository}`);
  }
  writeFileSync(join(chart, 'values.yaml'), values.toString({ lineWidth: 0 }));
}
