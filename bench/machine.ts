import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { delimiter, join } from 'node:path';

import { output } from './run.ts';
import { sshdPath } from './sshd.ts';

const packages: Readonly<Record<string, string>> = {
  sshd: 'openssh-server',
  ssh: 'openssh-client',
  autossh: 'autossh',
  wrk: 'wrk',
};

/** A sentence with the line that installs what the bench needs and this machine lacks; null when all is there. */
export function missingTools(): string | null {
  const missing = Object.keys(packages).filter((tool) => !installed(tool));
  if (missing.length === 0) return null;
  const wanted = missing.map((tool) => packages[tool]).join(' ');
  return `the bench needs ${missing.join(', ')}, which this machine lacks; install: apt-get install -y --no-install-recommends ${wanted}`;
}

function installed(tool: string): boolean {
  if (tool === 'sshd') return existsSync(sshdPath);
  return (process.env.PATH ?? '').split(delimiter).some((dir) => existsSync(join(dir, tool)));
}

/** The facts without which figures mean nothing, as lines of Markdown. */
export async function describeMachine(root: string): Promise<string[]> {
  const [cpu] = cpus();
  const openssh = (await output('ssh', ['-V'])).trim();
  const commit = existsSync(join(root, '.git')) ? await describeCommit(root) : 'unknown (no git checkout)';
  return [
    `- machine: ${cpu?.model ?? 'unknown processor'}, ${cpus().length} cores, Linux ${kernel()}`,
    `- node ${process.version}, ssh2 ${versionOf('ssh2')}, tunnel-ssh ${versionOf('tunnel-ssh')}, ${openssh}`,
    `- date: ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, commit: ${commit}`,
  ];
}

const kernel = (): string => readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();

async function describeCommit(root: string): Promise<string> {
  const commit = (await output('git', ['-C', root, 'rev-parse', '--short', 'HEAD'])).trim();
  const changed = (await output('git', ['-C', root, 'status', '--porcelain', '--', 'src'])).trim();
  return changed === '' ? commit : `${commit}, with uncommitted changes in src`;
}

function versionOf(name: string): string {
  const found: unknown = createRequire(import.meta.url)(`${name}/package.json`);
  const version = typeof found === 'object' && found !== null && 'version' in found ? found.version : 'unknown';
  return String(version);
}
