import { resolve } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

const IMAGE_TESTS = '**/test/image/**';
const CLUSTER_TESTS = '**/test/e2e/**';
const RELEASE_TESTS = '**/test/release/**';
const DEPLOY_TESTS = '**/test/deploy/**';
const KNATIVE_TESTS = '**/test/knative/**';

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          globalSetup: './test/temporary-folder.ts',
          include: ['**/test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, IMAGE_TESTS, CLUSTER_TESTS, KNATIVE_TESTS, RELEASE_TESTS, DEPLOY_TESTS],
        },
      },
      { extends: true, test: { name: 'image', include: [`${IMAGE_TESTS}/*.test.ts`] } },
      { extends: true, test: { name: 'deploy', include: [`${DEPLOY_TESTS}/*.test.ts`], hookTimeout: 300_000 } },
      { extends: true, test: { name: 'release', include: [`${RELEASE_TESTS}/*.test.ts`], testTimeout: 120_000 } },
      { extends: true, test: { name: 'e2e', include: [`${CLUSTER_TESTS}/*.test.ts`], testTimeout: 480_000 } },
      { extends: true, test: { name: 'knative', include: [`${KNATIVE_TESTS}/*.test.ts`], testTimeout: 480_000 } },
    ],
    reporters: ['default', './test/left-out.ts'],
    // Two cores must run the tests, the processes that tests start, and the clients that ask these.
    maxWorkers: 2,
    // The processes that tests start take half the CPU time to load if Node keeps what it compiled.
    env: { NODE_COMPILE_CACHE: resolve('node_modules/.cache/node-compile-cache') },
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Measuring it doubles the CPU time of tests that compute much, so only `npm run test:coverage` does.
    coverage: {
      include: ['function/src/**/*.ts'],
      // Coverage does not see code that tests run in a process of its own. That is all of the code in these files.
      exclude: ['function/src/main.ts', 'function/src/stand-ins/'],
      reporter: ['text', 'html'],
      thresholds: { lines: 90, branches: 90, functions: 90 },
    },
  },
});
