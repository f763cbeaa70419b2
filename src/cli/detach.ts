import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Fault, type FaultReport } from '../core/model/fault.ts';
import type { RelayStatus } from '../core/model/status.ts';
import { bundled } from '../core/process/own-files.ts';
import { exitOf, isHopeful, settled } from './await-relays.ts';
import { connect } from './connect.ts';
import { countOpen, openText } from './open-connections.ts';
import { drawStatus } from './status-table.ts';
import type { Terminal } from './terminal.ts';

/** What the daemon in the background tells the command that started it, once. */
export type Birth = { readonly ready: true } | { readonly ready: false; readonly fault: FaultReport };

/** How long the first verdicts are waited for, ms. */
const moment = 3_000;
/** How long a daemon may take until it answers, ms. */
const patience = 60_000;

/** Set for the daemon in the background, so that it knows to tell. */
export const birthMark = 'TOWLINE_DETACHED';

/** What `up --detach` was told. */
export interface DetachOptions {
  readonly config: string | null;
  readonly sshConfig: string | null;
  /** How long it is waited until each relay is connected, ms; null: only a moment, for what is wrong at once. */
  readonly wait: number | null;
  readonly terminal: Terminal;
}

/**
 * Starts the daemon in a session of its own and returns once it answers; its fault is ours. With `wait` the exit code is that of the first
 * relay that is not connected by then, 69 where nothing is wrong with it so far; the daemon goes on.
 */
export async function detach({ config, sshConfig, wait, terminal }: DetachOptions): Promise<number> {
  const words = [
    'up',
    ...(config === null ? [] : ['--config', config]),
    ...(sshConfig === null ? [] : ['-F', sshConfig]),
  ];
  await formerEnd(terminal);
  await birth(words);
  const status = await settled(connect(), wait ?? moment, wait === null ? isNew : isHopeful);
  terminal.out(drawStatus(status, { now: Date.now(), ...terminal, columns: terminal.columns }));
  if (wait === null) return 0;
  return exitOf(status.relays, terminal);
}

/** A daemon that is about to end has its socket until it has: waits for that, and says so. */
async function formerEnd(terminal: Terminal): Promise<void> {
  const client = connect();
  const former = await client.status().catch(() => null);
  if (former === null || !former.stopping) return;
  const open = countOpen(former.relays);
  const why = open === 0 ? '' : `, which waits for ${openText(open)}; \`towline down --now\` cuts them at once`;
  terminal.err(`waiting for the daemon before (pid ${former.pid}) to end${why}\n`);
  for await (const _event of client.events(former.id, terminal.left)) {
    // Only the end is of interest.
  }
}

/** Nothing is known of it yet. */
function isNew({ standing }: RelayStatus): boolean {
  return standing.word === 'connecting' && standing.fault === null;
}

function birth(words: readonly string[]): Promise<void> {
  // Its output has no reader once we are gone: the log has all of it.
  const child = fork(fileURLToPath(bundled('main')), words, {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, [birthMark]: '1' },
  });
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      const text = `the daemon was not ready within ${patience / 1_000} s and was ended; see \`towline logs\``;
      reject(new Fault('INTERNAL', text));
    }, patience);
    child.once('message', (told: Birth) => {
      clearTimeout(late);
      if (told.ready) {
        child.disconnect();
        child.unref();
        resolve();
      } else {
        reject(Fault.fromReport(told.fault));
      }
    });
    child.once('error', (error) => reject(Fault.from(error)));
    child.once('exit', (code, signal) => {
      clearTimeout(late);
      const how = signal === null ? `with code ${code}` : `by ${signal}`;
      reject(new Fault('INTERNAL', `the daemon ended ${how} before it was ready; see \`towline logs\``));
    });
  });
}

/** Tells the `up --detach` that waits, then lets go of it. Whether it was still there makes no difference to us. */
export function tellBirth(told: Birth): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) return resolve();
    process.send(told, undefined, {}, () => {
      if (process.connected) process.disconnect();
      resolve();
    });
  });
}
