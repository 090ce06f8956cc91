// Checks rules that actionlint and zizmor don't know, such as: workflows run only scripts that you can run yourself.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };

interface Step {
  if?: string;
  run?: string;
  uses?: string;
  with?: Record<string, unknown>;
}
interface Job {
  name: string;
  if?: string;
  needs?: string | string[];
  strategy?: { matrix: { include?: Record<string, string>[] } };
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

/** The steps of a job, with those of this project's own actions in place of these. */
function allSteps(steps: Step[] = []): Step[] {
  return steps.flatMap((step) => {
    if (!step.uses?.startsWith('./.github/actions/')) return step;
    return allSteps(ACTIONS.find(([file]) => file === `${step.uses?.slice(2)}/action.yaml`)![1]);
  });
}

function jobsOf(name: string): Record<string, Job> {
  return WORKFLOWS.find(([file]) => basename(file) === name)![1].jobs;
}

/** Matches a command that starts a program of node_modules. The npm scripts for Python's packages need none. */
const NEEDS_PACKAGES = /\bnpm (?:test|run (?:--silent )?(?!setup:))/;
/** Matches a command that starts Helm. */
const NEEDS_HELM = /check:charts|npm test|npm run (?:e2e|test:release)|release -- stage|compare\.bash/;

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

test('.ci/run runs every npm script that CI runs, or the whole job by act', () => {
  const script = readFileSync('.ci/run', 'utf8');
  const byAct = Array.from(script.matchAll(/npm run check:ci -- (\w+)/g), ([, job]) => job);
  const others = Object.entries(jobsOf('ci.yaml')).filter(([id]) => !byAct.includes(id));
  const runs = others.flatMap(([, { steps }]) => allSteps(steps).flatMap(({ run }) => run ?? []));
  const commands = runs.flatMap((run) => /^npm (?:run [\w:-]+|test)/.exec(run) ?? []);
  expect(commands.length).toBeGreaterThan(8);
  for (const command of commands) expect(script).toMatch(new RegExp(`${command}\\b`));
});

test('CI runs every end-to-end test', () => {
  const tests = jobsOf('ci.yaml').e2e!.strategy!.matrix.include!.flatMap(({ tests = '' }) => tests.split(' '));
  expect(tests.sort()).toEqual(globSync('**/test/e2e/*.test.ts', { exclude: ['node_modules/**'] }).sort());
});

describe('the jobs of ci.yaml', () => {
  const { changes, verdict, ...others } = jobsOf('ci.yaml');

  test('wait for the list of those that are needed, if they are in it', () => {
    const listed = /^all='(.*)'$/m.exec(readFileSync('.github/scripts/changes.bash', 'utf8'))![1]!.split(' ');
    const waiting = Object.entries(others).filter(([, { needs }]) => needs === 'changes');
    expect(waiting.map(([id]) => id)).toEqual(listed);
    for (const [id, { if: condition }] of waiting)
      expect(condition).toBe(`contains(fromJSON(needs.changes.outputs.jobs), '${id}')`);
    for (const [id, { if: condition }] of Object.entries(others))
      if (!listed.includes(id)) expect(condition).toBeUndefined();
  });

  test('are all in the verdict, which alone branch protection requires', () => {
    expect(verdict!.name).toBe('CI');
    expect(verdict!.needs).toEqual(['changes', ...Object.keys(others)]);
    expect(changes!.needs).toBeUndefined();
  });

  test('keep the logs of a cluster that they have', () => {
    for (const { steps = [] } of [...Object.values(others), jobsOf('benchmark.yaml').compare!]) {
      const uses = steps.map(({ uses }) => uses);
      if (!uses.includes('./.github/actions/cluster')) continue;
      expect(steps.at(-1)).toEqual({ if: 'failure()', uses: './.github/actions/cluster-logs' });
    }
  });

  test('leave the cache of layers to one of them', () => {
    const writing = Object.entries(others).filter(([, { steps = [] }]) =>
      steps.some((step) => step.with?.['write-cache']),
    );
    expect(writing.map(([id]) => id)).toEqual(['images']);
  });
});

test.each(JOBS)('%s installs what its scripts need, before it runs them', (_, { steps }) => {
  const runs = allSteps(steps).flatMap(({ run = '' }) => run);
  const first = runs.findIndex((run) => {
    const [file = ''] = /^\.github\/scripts\/[\w-]+\.bash/.exec(run) ?? [];
    return NEEDS_PACKAGES.test(file ? readFileSync(file, 'utf8') : run);
  });
  if (first !== -1) expect(runs.slice(0, first)).toContain('npm ci');
});

test.each(JOBS)('%s takes no Helm but that of helm.bash', (_, { steps }) => {
  const runs = allSteps(steps).flatMap(({ run = '' }) => run);
  const first = runs.findIndex((run) => NEEDS_HELM.test(run));
  if (first !== -1) expect(runs.slice(0, first).some((run) => run.startsWith('.github/scripts/helm.bash'))).toBe(true);
});

test('every image is published, for each platform that its base images have', () => {
  const include = jobsOf('release.yaml').build!.strategy!.matrix.include!;
  expect(include.map(({ image, arch }) => `${image}/Dockerfile ${arch}`).sort()).toEqual(
    globSync('*/Dockerfile')
      .flatMap((file) => (file.startsWith('tfserving') ? [`${file} amd64`] : [`${file} amd64`, `${file} arm64`]))
      .sort(),
  );
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
