// Pins the base images of images by their current digests. `npm run base-images -- function loadtest` writes
// base-images-function.json and base-images-loadtest.json, which `docker buildx bake` reads, and which record what the
// images were built on.

import { execaSync } from 'execa';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const images = process.argv.slice(2);
const unknown = images.find((image) => !existsSync(`${image}/Dockerfile`));
if (unknown !== undefined || images.length === 0) {
  const missing = `${unknown ?? ''}/Dockerfile is not there`;
  console.error(`base-images wants the folders of images, such as function; ${missing}.`);
  process.exit(2);
}
for (const image of images) {
  const args = Object.fromEntries(
    baseImages(readFileSync(`${image}/Dockerfile`, 'utf8')).map(([name, reference]) => [name, pinned(reference)]),
  );

  // The last base image is the one of the final stage. OCI defines these two labels for it.
  const [reference, digest] = (Object.values(args).at(-1) ?? '').split('@');
  const labels = {
    'org.opencontainers.image.base.name': reference,
    'org.opencontainers.image.base.digest': digest,
  };
  const record = JSON.stringify({ target: { [image]: { args, labels } } }, null, 2);
  writeFileSync(`base-images-${image}.json`, `${record}\n`);
  console.log(record);
}

/** The build arguments of a Dockerfile that name base images, with their defaults. */
function baseImages(dockerfile: string): [name: string, reference: string][] {
  const defaults = Array.from(dockerfile.matchAll(/^ARG (\w+)=(.*)$/gm), ([, name = '', value = '']) => [name, value]);
  const values = Object.fromEntries(defaults) as Record<string, string>;
  return Object.entries(values)
    .filter(([name]) => name.endsWith('_IMAGE'))
    .map(([name, value]) => [name, value.replaceAll(/\$\{(\w+)\}/g, (_, other: string) => values[other] ?? '')]);
}

function pinned(reference: string): string {
  if (reference.includes('@')) return reference;
  const format = ['--format', '{{ .Manifest.Digest }}'];
  const { stdout } = execaSync('docker', ['buildx', 'imagetools', 'inspect', reference, ...format]);
  if (!/^sha256:[0-9a-f]{64}$/.test(stdout)) throw new Error(`The registry gave no digest of ${reference}: ${stdout}`);
  return `${reference}@${stdout}`;
}
