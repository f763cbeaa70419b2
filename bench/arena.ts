import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import { Fault } from '../src/core/model/fault.ts';
import { ask } from './client.ts';
import { Ports } from './ports.ts';
import { Processes, running } from './processes.ts';
import { output } from './run.ts';
import { Sshd } from './sshd.ts';

/** What all contenders share: one folder, one key, one sshd, one backend, one ssh_config that reads nothing of the user's. */
export interface Arena {
  readonly dir: string;
  readonly processes: Processes;
  readonly ports: Ports;
  readonly sshd: Sshd;
  /** Port of the backend. */
  readonly backend: number;
  /** An ssh_config with the one host `bench`. */
  readonly sshConfig: string;
  readonly identity: string;
  close(): Promise<void>;
}

/** Makes keys, starts sshd and the backend. */
export async function openArena(): Promise<Arena> {
  const dir = mkdtempSync(join(tmpdir(), 'towline-bench-'));
  const processes = new Processes();
  const ports = new Ports();
  // The last line of defence: whatever throws, nothing that was started outlives the bench.
  const last = (): void => {
    processes.killAll();
    rmSync(dir, { recursive: true, force: true });
  };
  process.once('exit', last);

  const [identity, hostKey] = [join(dir, 'identity'), join(dir, 'host_key')];
  for (const file of [identity, hostKey]) {
    await output('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'towline-bench', '-f', file]);
  }
  writeFileSync(join(dir, 'authorized_keys'), readFileSync(`${identity}.pub`), { mode: 0o600 });
  const sshd = new Sshd(processes, dir, await ports.free());
  const sshConfig = writeSshConfig(dir, sshd.port, identity, readFileSync(`${hostKey}.pub`, 'utf8'));
  await sshd.start();

  const backend = await ports.free();
  const script = join(import.meta.dirname, 'backend.js');
  const child = processes.spawn(process.execPath, [script, String(backend)], join(dir, 'backend.log'));
  await until(
    () => ask(backend, 1_000),
    5_000,
    () => running(child),
    `the backend on port ${backend}`,
  );

  return {
    dir,
    processes,
    ports,
    sshd,
    backend,
    sshConfig,
    identity,
    async close() {
      await sshd.stop();
      await processes.endAll();
      process.removeListener('exit', last);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Asks again and again until it is true; gives up after `patience` ms or when `alive` says so. */
export async function until(
  done: () => Promise<boolean>,
  patience: number,
  alive: () => boolean,
  what: string,
): Promise<void> {
  const end = performance.now() + patience;
  while (!(await done())) {
    if (!alive()) throw new Fault('CONNECT_FAILED', `${what} ended before it answered; see its log`);
    if (performance.now() > end) throw new Fault('CONNECT_TIMEOUT', `${what} did not answer in ${patience} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function writeSshConfig(dir: string, port: number, identity: string, hostKey: string): string {
  const knownHosts = join(dir, 'known_hosts');
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${hostKey.split(' ').slice(0, 2).join(' ')}\n`, { mode: 0o600 });
  const lines = [
    'Host bench',
    '  HostName 127.0.0.1',
    `  Port ${port}`,
    `  User ${userInfo().username}`,
    `  IdentityFile ${identity}`,
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    `  UserKnownHostsFile ${knownHosts}`,
    '  StrictHostKeyChecking yes',
  ];
  const file = join(dir, 'ssh_config');
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}
