import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { Fault } from '../src/core/model/fault.ts';

/** towline's daemon with one relay, in folders of its own. */
export interface DemoRelay {
  /** Resolves when the daemon has ended, with its last words if that was not asked for. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

/** Where the relay listens, and what it leads to. */
export interface DemoRelayOptions {
  readonly dir: string;
  readonly listen: number;
  readonly target: number;
  readonly sshPort: number;
  readonly hostPublicKey: string;
  readonly identity: string;
}

/** Writes config, ssh_config and known_hosts into `dir`, then starts the real daemon on them. Nothing of ~/.ssh is read. */
export function startRelay(options: DemoRelayOptions): DemoRelay {
  const { dir } = options;
  const [config, sshConfig, log] = [join(dir, 'towline.json'), join(dir, 'ssh_config'), join(dir, 'towline.log')];
  for (const name of ['run', 'state']) mkdirSync(join(dir, name), { mode: 0o700 });
  const forward = { listen: `127.0.0.1:${options.listen}`, target: `127.0.0.1:${options.target}` };
  const write = (file: string, text: string): void => writeFileSync(file, text, { mode: 0o600 });
  write(config, `${JSON.stringify({ relays: { demo: { host: 'demo', forwards: [forward] } } }, null, 2)}\n`);
  write(sshConfig, sshConfigText(options));
  const [type, key] = options.hostPublicKey.split(' ');
  write(join(dir, 'known_hosts'), `[127.0.0.1]:${options.sshPort} ${type} ${key}\n`);

  const main = resolve(import.meta.dirname, '..', 'src', 'main.js');
  const out = openSync(log, 'a', 0o600);
  const child = spawn(process.execPath, [main, 'up', '--config', config, '-F', sshConfig], {
    stdio: ['ignore', out, out],
    env: {
      ...process.env,
      TOWLINE_RUNTIME_DIR: join(dir, 'run'),
      XDG_STATE_HOME: join(dir, 'state'),
      XDG_CONFIG_HOME: join(dir, 'state'),
    },
  });
  return { ended: lastWords(child, log), close: () => end(child) };
}

const sshConfigText = ({ dir, sshPort, identity }: DemoRelayOptions): string =>
  [
    'Host demo',
    '  HostName 127.0.0.1',
    `  Port ${sshPort}`,
    '  User demo',
    `  IdentityFile ${identity}`,
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    `  UserKnownHostsFile ${join(dir, 'known_hosts')}`,
    '  GlobalKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '',
  ].join('\n');

async function lastWords(child: ChildProcess, log: string): Promise<string> {
  await once(child, 'exit').catch((error: unknown) => {
    throw new Fault('INTERNAL', `the daemon cannot be started: ${error}; run npm run build`, { cause: error });
  });
  return readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('\n');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  // Twice means now: the demo has nobody whose connections would have to be drained.
  child.kill('SIGINT');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(timer);
}
