import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';

import { type Arena, until } from './arena.ts';
import { ask } from './client.ts';
import type { ContenderName } from './figure.ts';
import { running } from './processes.ts';
import { tree } from './proc.ts';
import { startTowline } from './towline.ts';

/** One way from a local port to the backend, running. */
export interface Contender {
  readonly name: ContenderName;
  readonly port: number;
  /** Its processes, the one that was started first; empty for `direct`. */
  pids(): number[];
  /** False when its process has ended by itself. */
  alive(): boolean;
  stop(): Promise<void>;
}

/** What a section about outages asks for: ssh in a loop of its own, since alone it never comes back. */
export interface StartOptions {
  readonly loop?: boolean;
}

/** Starts a contender and returns when a request through it is answered. */
export async function start(arena: Arena, name: ContenderName, options: StartOptions = {}): Promise<Contender> {
  if (name === 'direct') {
    return { name, port: arena.backend, pids: () => [], alive: () => true, stop: async () => undefined };
  }
  const port = await arena.ports.free();
  const child = spawn(arena, name, port, options);
  await until(
    () => ask(port, 10_000),
    20_000,
    () => running(child),
    `${name} on port ${port}`,
  );
  return {
    name,
    port,
    pids: () => (child.pid === undefined ? [] : tree(child.pid)),
    alive: () => running(child),
    stop: () => arena.processes.end(child),
  };
}

function spawn(arena: Arena, name: ContenderName, port: number, options: StartOptions): ChildProcess {
  const { dir, processes, backend } = arena;
  const log = join(dir, `${name.replace(' ', '-')}.log`);
  const forward = forwardArgs(arena, port);
  switch (name) {
    case 'ssh':
      if (options.loop !== true) return startSsh(arena, port, 'ssh');
      return processes.spawn('sh', ['-c', 'while :; do ssh "$@"; sleep 0.2; done', 'loop', ...forward], log);
    case 'ssh aes128-gcm':
      return processes.spawn('ssh', ['-c', 'aes128-gcm@openssh.com', ...forward], log);
    case 'autossh': {
      const keepalive = ['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'];
      const env = { AUTOSSH_GATETIME: '0' };
      return processes.spawn('autossh', ['-M', '0', ...keepalive, ...forward], log, env);
    }
    case 'tunnel-ssh': {
      const script = join(import.meta.dirname, 'tunnel-ssh-process.js');
      const args = [script, port, backend, arena.sshd.port, arena.identity].map(String);
      return processes.spawn(process.execPath, args, log);
    }
    default: {
      const relays = [{ name: 'bench', port, isolation: 'relay' as const }];
      return startTowline(arena, relays).child;
    }
  }
}

/** Starts a plain `ssh -N -L`. */
export function startSsh(arena: Arena, port: number, log: string): ChildProcess {
  return arena.processes.spawn('ssh', forwardArgs(arena, port), join(arena.dir, `${log}.log`));
}

const forwardArgs = (arena: Arena, port: number): string[] => [
  ...['-F', arena.sshConfig, '-N', '-o', 'ExitOnForwardFailure=yes'],
  ...['-L', `127.0.0.1:${port}:127.0.0.1:${arena.backend}`, 'bench'],
];
