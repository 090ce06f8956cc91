// Checks rules that actionlint and zizmor don't know, such as: workflows run only scripts that you can run yourself.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };

interface Step {
  run?: string;
}
interface Job {
  strategy?: { matrix: Record<string, unknown> };
  steps?: Step[];
  uses?: string;
  'timeout-minutes'?: number;
}
interface Workflow {
  on: Record<string, unknown>;
  concurrency?: { group: string };
  jobs: Record<string, Job>;
}

const WORKFLOWS = globSync('.github/workflows/*').map((file): [string, Workflow] => [
  file,
  parse(readFileSync(file, 'utf8')) as Workflow,
]);
const JOBS = WORKFLOWS.flatMap(([file, { jobs }]) =>
  Object.entries(jobs).map(([name, job]): [string, Job] => [`${basename(file)}: ${name}`, job]),
);
const ACTIONS = globSync('.github/actions/*/action.yaml').map((file): [string, Step[]] => [
  file,
  (parse(readFileSync(file, 'utf8')) as { runs: { steps: Step[] } }).runs.steps,
]);
const STEPS = [...JOBS.map(([name, { steps = [] }]): [string, Step[]] => [name, steps]), ...ACTIONS];

function jobsOf(name: string): Record<string, Job> {
  return WORKFLOWS.find(([file]) => basename(file) === name)![1].jobs;
}

test('there are workflows and actions to check', () => {
  expect(WORKFLOWS.map(([file]) => basename(file)).sort()).toEqual(['benchmark.yaml', 'ci.yaml', 'release.yaml']);
  expect(ACTIONS).not.toHaveLength(0);
});

test.each(WORKFLOWS)('%s runs once at a time, and uses no secrets on pull requests', (_, { on, concurrency, jobs }) => {
  expect(concurrency?.group).toContain('github.ref');
  if ('pull_request' in on) expect(JSON.stringify(jobs)).not.toContain('secrets.');
});

test.each([...WORKFLOWS, ...ACTIONS].map(([file]) => file))(
  '%s says the version of each action in a comment',
  (file) => {
    const uses = readFileSync(file, 'utf8').match(/(?<=\buses: )(?!\.\/).*/g) ?? [];
    for (const action of uses) expect(action).toMatch(/ # v\d+\.\d+\.\d+$/);
  },
);

test('.ci/run runs every npm script that CI runs', () => {
  const runs = Object.values(jobsOf('ci.yaml')).flatMap(({ steps = [] }) => steps.flatMap(({ run }) => run ?? []));
  const commands = runs.flatMap((run) => /^npm (?:run [\w:-]+|test)/.exec(run) ?? []);
  expect(commands.length).toBeGreaterThan(8);
  for (const command of commands) expect(readFileSync('.ci/run', 'utf8')).toMatch(new RegExp(`${command}\\b`));
});

test('CI runs every end-to-end test', () => {
  expect(jobsOf('ci.yaml').e2e!.strategy!.matrix.file).toEqual(
    globSync('**/test/e2e/*.test.ts', { exclude: ['node_modules/**'] }).sort(),
  );
});

test('every image is published', () => {
  const { include } = jobsOf('release.yaml').images!.strategy!.matrix as { include: { image: string }[] };
  expect(include.map(({ image }) => `${image}/Dockerfile`).sort()).toEqual(globSync('*/Dockerfile').sort());
});

test.each(JOBS)('%s has a time-out', (_, { uses, ...job }) => {
  // A job that calls another workflow uses the time-outs of that workflow's jobs. GitHub accepts none of its own.
  if (!uses) expect(job['timeout-minutes']).toBeGreaterThan(0);
});

/** Matches a step that runs an npm script or a file, and captures its name. */
const COMMAND =
  /^(?:npm run (?<script>[\w:-]+)|npm (?:test|ci)|(?<file>\.github\/scripts\/[\w-]+\.bash))(?: [^\n;|&]+)?$/;

describe.each(STEPS)('%s', (_, steps) => {
  test('runs nothing but npm scripts and files of .github/scripts/', () => {
    for (const { run } of steps) {
      if (run === undefined) continue;
      expect(run).toMatch(COMMAND);
      const { script, file } = COMMAND.exec(run)!.groups!;
      if (script) expect(Object.keys(packageJson.scripts)).toContain(script);
      if (file) expect(existsSync(file), file).toBe(true);
    }
  });
});
