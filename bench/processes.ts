import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

import { tree } from './proc.ts';

/** Everything that the bench has started, so that it can end it by pid, whatever happens. */
export class Processes {
  readonly #live = new Set<ChildProcess>();

  /** Starts a program whose output goes to `log`, and remembers it. */
  spawn(command: string, args: readonly string[], log: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
    const out = openSync(log, 'a');
    const child = spawn(command, args, { stdio: ['ignore', out, out], env: { ...process.env, ...env } });
    closeSync(out);
    this.#live.add(child);
    child.once('exit', () => this.#live.delete(child));
    child.once('error', () => this.#live.delete(child));
    return child;
  }

  /** Ends a program and its descendants: asks, then kills after `patience` ms. */
  async end(child: ChildProcess, patience = 3_000): Promise<void> {
    if (!running(child) || child.pid === undefined) return;
    const exited = once(child, 'exit');
    const pids = tree(child.pid);
    signal(pids, 'SIGTERM');
    const timer = setTimeout(() => signal(pids, 'SIGKILL'), patience);
    await exited;
    clearTimeout(timer);
    signal(pids, 'SIGKILL');
  }

  /** Ends everything, the youngest first. */
  async endAll(): Promise<void> {
    for (const child of [...this.#live].reverse()) await this.end(child);
  }

  /** The same without waiting, for the last moment of the process. */
  killAll(): void {
    for (const child of this.#live) if (child.pid !== undefined) signal(tree(child.pid), 'SIGKILL');
  }
}

/** True until the process has ended. */
export const running = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

/** Sends a signal to each process that still lives. */
export function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It ended by itself meanwhile.
    }
  }
}
