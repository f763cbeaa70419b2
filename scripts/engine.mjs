import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { install } from './packages.mjs';
import { lastLine, Missing, run, runAsRoot, which } from './shell.mjs';

const LOG = '.cache/dockerd.log';

/** Whether a container engine answers this user. */
export async function engineAnswers() {
  const info = await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: 20_000 });
  return info.ok && info.stdout.trim() !== '';
}

/** Makes a container engine answer: installs it if there is none, starts it if it is down; says whether anything was done. */
export async function ensureEngine() {
  if (await engineAnswers()) return false;
  if (which('dockerd') === undefined || which('docker') === undefined) await install(['docker.io', 'iptables']);
  if (existsSync('/run/systemd/system')) {
    const why = 'docker does not start; start it, then run `npm run setup` again';
    await runAsRoot('systemctl', ['start', 'docker'], why);
    if (await answersWithin(30_000)) return true;
  }
  if (process.getuid?.() !== 0) {
    throw new Missing(
      'no container engine answers this user; start docker and join its group, then run `npm run setup` again',
    );
  }
  // overlay2 does not work on every file system; vfs does, and is slow
  for (const flags of [[], ['--storage-driver=vfs']]) {
    const daemon = startDaemon(flags);
    if (await answersWithin(40_000, daemon)) return true;
    if (daemon.exitCode === null) daemon.kill('SIGTERM');
    await sleep(1000);
  }
  throw new Missing(`dockerd does not start: ${lastLine(readFileSync(LOG, 'utf8'))} (see ${LOG})`);
}

function startDaemon(flags) {
  mkdirSync('.cache', { recursive: true });
  const log = openSync(LOG, 'a', 0o600);
  const daemon = spawn(which('dockerd') ?? 'dockerd', flags, { detached: true, stdio: ['ignore', log, log], cwd: '/' });
  daemon.on('error', () => undefined); // the wait below ends with what the log says
  daemon.unref();
  return daemon;
}

async function answersWithin(time, daemon) {
  const end = Date.now() + time;
  while (Date.now() < end && (daemon?.exitCode ?? null) === null) {
    if (await engineAnswers()) return true;
    await sleep(300);
  }
  return engineAnswers();
}
