// Runs jobs of ci.yaml on this machine, as GitHub does: each in a clone of its own, with nothing that another one installed.

import { execaSync } from 'execa';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { goTool } from './go-tool.ts';

const WORKFLOW = '.github/workflows/ci.yaml';
/** The jobs that need neither Docker nor a cluster of kind. */
export const JOBS = ['lint', 'unit', 'function', 'python', 'workflows', 'charts'];
/** Variables that tell where this machine has what GitHub's runners download, and where to leave what pytest counted. */
const PASSED_ON = ['HELM_RELEASES', 'KUBECONFORM_SCHEMAS', 'PYTEST_ADDOPTS'];

/** @returns whether the job succeeded, for the commit that is checked out */
export function runJob(job: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), `f2c-${job}-`));
  try {
    execaSync('git', ['clone', '--quiet', '.', folder]);
    const options = [
      ...['--workflows', WORKFLOW, '--job', job, '--platform', 'ubuntu-24.04=-self-hosted', '--no-cache-server'],
      ...PASSED_ON.flatMap((name) => {
        const value = process.env[name];
        return value === undefined ? [] : ['--env', `${name}=${value}`];
      }),
      ...['--local-repository', `${cacheAction()}=${join(process.cwd(), '.github/test/stand-ins/nothing')}`],
    ];
    return !execaSync(goTool('act'), ['workflow_call', ...options], { cwd: folder, stdio: 'inherit', reject: false })
      .failed;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The action that keeps caches, as it is pinned. */
function cacheAction(): string {
  const setup = parse(readFileSync('.github/actions/setup/action.yaml', 'utf8')) as {
    runs: { steps: { uses?: string }[] };
  };
  return setup.runs.steps.flatMap(({ uses }) => (uses?.startsWith('actions/cache@') ? uses : [])).join('');
}
