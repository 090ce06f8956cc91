// What a run of the release workflow publishes, and where, by the variables of its environment.

const IMAGES = ['f2c-function', 'f2c-tfserving', 'f2c-loadtest'];

/** An image or a chart. */
export interface Part {
  name: string;
  /** Where it is published, such as `docker.io/me/f2c-function`. */
  repository: string;
  /** Its tag that belongs to this release alone, such as `1.2.3` or `sha-0123abc`; charts from `main` have one that moves. */
  tag: string;
}

export interface Release {
  /** Where all of it is published, such as `docker.io/me`. */
  account: string;
  /** The tag of Git, such as `v1.2.3`; none on `main`. */
  tag: string | undefined;
  /** What its images are tagged with, and its charts. */
  imageTag: string;
  chartVersion: string;
  commit: string;
  images: Part[];
  /** The charts have the names of the images with `-chart`. */
  charts: Part[];
}

export function readRelease(env: NodeJS.ProcessEnv): Release {
  const { REGISTRY, DOCKERHUB_USERNAME, GITHUB_REF_TYPE, GITHUB_REF_NAME, GITHUB_SHA: commit } = env;
  if (!REGISTRY || !DOCKERHUB_USERNAME || !GITHUB_REF_NAME || !commit) {
    throw new Error('REGISTRY, DOCKERHUB_USERNAME, GITHUB_REF_NAME and GITHUB_SHA must be set, as the workflow does.');
  }
  const account = `${REGISTRY}/${DOCKERHUB_USERNAME}`;
  const tag = GITHUB_REF_TYPE === 'tag' ? GITHUB_REF_NAME : undefined;
  const imageTag = tag?.slice(1) ?? `sha-${commit.slice(0, 7)}`;
  const chartVersion = tag?.slice(1) ?? '0.0.0-edge';
  const part = (name: string, tag: string) => ({ name, repository: `${account}/${name}`, tag });
  const images = IMAGES.map((image) => part(image, imageTag));
  const charts = IMAGES.map((image) => part(`${image}-chart`, chartVersion));
  return { account, tag, imageTag, chartVersion, commit, images, charts };
}
