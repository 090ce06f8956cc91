import { configDefaults, defineConfig } from 'vitest/config';

const IMAGE_TESTS = '**/test/image/**';
const CLUSTER_TESTS = '**/test/e2e/**';

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, IMAGE_TESTS, CLUSTER_TESTS],
        },
      },
      { extends: true, test: { name: 'image', include: [`${IMAGE_TESTS}/*.test.ts`] } },
      { extends: true, test: { name: 'e2e', include: [`${CLUSTER_TESTS}/*.test.ts`], testTimeout: 480_000 } },
    ],
    // Two cores run the tests, the processes that they start, and the clients that ask them.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    coverage: {
      include: ['function/src/**/*.ts'],
      // It doesn't see what tests run in processes of their own: of these files all, of others the shutdown.
      exclude: ['function/src/main.ts', 'function/src/stand-ins/'],
      reporter: ['text', 'html'],
      thresholds: { lines: 90, branches: 90, functions: 90 },
    },
  },
});
