import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Fault } from '../src/core/model/fault.ts';
import { type Processes, running, signal } from './processes.ts';
import { tree } from './proc.ts';

/** Where Debian's sshd, when root starts it, wants an empty folder. */
const privsep = '/run/sshd';

/** The one real sshd behind all contenders, with its defaults for MaxStartups and everything else that is not about its own files. */
export class Sshd {
  readonly port: number;
  readonly log: string;
  readonly #processes: Processes;
  readonly #config: string;
  #child: ChildProcess | null = null;

  /** Expects `host_key` and `authorized_keys` in `dir`. */
  constructor(processes: Processes, dir: string, port: number) {
    this.#processes = processes;
    this.port = port;
    this.log = join(dir, 'sshd.log');
    this.#config = join(dir, 'sshd_config');
    const lines = [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${join(dir, 'host_key')}`,
      `AuthorizedKeysFile ${join(dir, 'authorized_keys')}`,
      'PidFile none',
      // What stands in the real user's ~/.bashrc is no part of any measure.
      `SetEnv HOME=${dir}`,
      // What MaxStartups refuses is logged from this level on.
      'LogLevel VERBOSE',
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
    ];
    writeFileSync(this.#config, `${lines.join('\n')}\n`);
  }

  async start(): Promise<void> {
    // It stays, empty, as Debian's own service leaves it: another sshd may rely on it by the time we end.
    if (process.getuid?.() === 0) mkdirSync(privsep, { recursive: true, mode: 0o755 });
    // sshd re-executes itself for each session and therefore wants its absolute path.
    const child = this.#processes.spawn(sshdPath, ['-D', '-e', '-f', this.#config], this.log);
    this.#child = child;
    for (let tries = 0; tries < 500; tries += 1) {
      if (await greets(this.port)) return;
      if (!running(child)) break;
      await sleep(10);
    }
    throw new Fault('CONNECT_FAILED', `sshd does not answer on 127.0.0.1:${this.port}; see ${this.log}`);
  }

  /** Kills the processes of all sessions, as a crash or an administrator would; the listener stays. */
  killSessions(): void {
    signal(this.#sessions(), 'SIGKILL');
  }

  /** Takes listener and sessions away at once. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null || !running(child) || child.pid === undefined) return;
    const sessions = this.#sessions();
    const exited = once(child, 'exit');
    signal([child.pid, ...sessions], 'SIGKILL');
    await exited;
  }

  /** How many handshakes it has refused since its log began (MaxStartups). */
  refused(): number {
    return readFileSync(this.log, 'latin1').match(/drop connection #/g)?.length ?? 0;
  }

  #sessions(): number[] {
    return this.#child?.pid === undefined ? [] : tree(this.#child.pid).slice(1);
  }
}

/** Where sshd lives; it is seldom on a user's PATH. */
export const sshdPath =
  ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd'].find((path) => existsSync(path)) ?? '/usr/sbin/sshd';

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
  });
}
