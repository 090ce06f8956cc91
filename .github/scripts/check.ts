// Checks the workflows, the shell scripts and the Dockerfiles; exits with 1 if anything is wrong. `npm run check:ci`
// runs it. `npm run check:ci -- python charts` also runs these jobs of ci.yaml.

import { Argument, Command } from 'commander';
import { execaSync } from 'execa';
import { globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { JOBS, runJob } from './act.ts';
import { goTool } from './go-tool.ts';

const FROM_PYTHON = 'npm run setup:linters brings it';
const TOOLS: [command: [string, string], whereToGetIt: string][] = [
  [['go', 'version'], 'install Go 1.24 or newer from https://go.dev: it builds actionlint'],
  [['zizmor', '--version'], FROM_PYTHON],
  [['shellcheck', '--version'], FROM_PYTHON],
  [['hadolint', '--version'], FROM_PYTHON],
];

const { args: jobs } = new Command('npm run check:ci --')
  .description('Checks the workflows, the shell scripts and the Dockerfiles.')
  .addArgument(new Argument('[jobs...]', 'jobs of ci.yaml to run, for the commit that is checked out').choices(JOBS))
  .parse();
process.chdir(join(import.meta.dirname, '../..'));
// actionlint also looks for shellcheck on the path.
process.env.PATH = `${join(process.cwd(), '.venv/bin')}${delimiter}${process.env.PATH ?? ''}`;
process.exitCode = check() ? 0 : 1;

function check(): boolean {
  const missing = TOOLS.filter(([[program, option]]) => execaSync(program, [option], { reject: false }).failed);
  for (const [[program], whereToGetIt] of missing) {
    console.error(`check:ci needs ${program}, which does not run here; ${whereToGetIt}.`);
  }
  if (missing.length > 0) return false;

  return [
    lint('actionlint', goTool('actionlint')),
    lint('zizmor', 'zizmor', '--offline', '--quiet', '.'),
    lint('shellcheck', 'shellcheck', '.ci/run', ...globSync(['.github/scripts/*.bash', 'examples/*/*.sh'])),
    lint(
      'hadolint',
      'hadolint',
      '--config',
      '.github/hadolint.yaml',
      ...globSync(['*/Dockerfile', 'examples/*/Dockerfile']),
    ),
    ...jobs.map((name) => job(name)),
  ].every(Boolean);
}

function job(name: string): boolean {
  const start = performance.now();
  const ok = runJob(name);
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(`${ok ? 'ok  ' : 'FAIL'} the job ${name}, in ${seconds} s`);
  return ok;
}

function lint(name: string, program: string, ...args: string[]): boolean {
  const { failed } = execaSync(program, args, { stdio: 'inherit', reject: false });
  console.log(`${failed ? 'FAIL' : 'ok  '} ${name}`);
  return !failed;
}
