// Packages the charts as they are published: with the version of a release, and with images in a registry.
// `npm run package:charts -- --registry docker.io/me` leaves them in dist/charts/.

import { Command } from 'commander';
import { execaSync } from 'execa';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };

const { registry, chartVersion, imageTag } = new Command('npm run package:charts --')
  .requiredOption('--registry <name>', 'where the images are, such as docker.io/me')
  .option('--chart-version <version>', 'version of the charts', packageJson.version)
  .option('--image-tag <tag>', 'tag of the images', packageJson.version)
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

/**
 * A registry has one name for a chart and an image of the same name, and the later one would replace the earlier: the
 * chart's gets an ending, which the names of its objects don't have.
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
