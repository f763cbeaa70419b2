import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { remember, wasReset } from '../../test/fixtures/reset.ts';

/** What became of a connection that was open when the fault came. */
export interface OpenFate {
  /** `end` looks like an ordinary end to its client, `reset` does not. */
  readonly how: 'lives' | 'reset' | 'end';
  /** ms after the fault; null for one that lives. */
  readonly after: number | null;
}

/** What became of the clients that came during a fault and after it. */
export interface Newcomers {
  readonly tried: number;
  readonly failed: number;
  /** ms from the end of the fault to the first answer to one who came after it; null: none within the patience. */
  readonly back: number | null;
}

/** Keeps a connection busy from now on; the fate is told when it is asked for. */
export async function keepOpen(port: number): Promise<{ fate(since: number): OpenFate; close(): void }> {
  const socket = connect({ port, host: '127.0.0.1' });
  remember(socket);
  let ended: { readonly at: number; readonly how: 'reset' | 'end' } | null = null;
  const end = (how: 'reset' | 'end') => {
    ended ??= { at: performance.now(), how };
    clearInterval(tick);
  };
  const tick = setInterval(() => socket.write('x'), 100);
  await new Promise<void>((resolve, reject) => {
    socket.once('data', () => resolve());
    socket.once('error', reject);
  });
  socket.on('data', () => undefined);
  socket.on('end', () => end(wasReset(socket) ? 'reset' : 'end'));
  socket.on('error', () => end('reset'));
  socket.on('close', () => end('reset'));
  return {
    fate: (since) => (ended === null ? { how: 'lives', after: null } : { how: ended.how, after: ended.at - since }),
    close: () => {
      clearInterval(tick);
      socket.destroy();
    },
  };
}

const every = 250;
const clientPatience = 30_000;

/**
 * A new client each quarter of a second, each with 30 s of patience, until one who came after `healed` was answered, or for so long after it.
 * All of them are waited for.
 */
export async function sendNewcomers(port: number, healed: Promise<number>, patience: number): Promise<Newcomers> {
  let heal: number | null = null;
  void healed.then((at) => {
    heal = at;
  });
  let [tried, failed] = [0, 0];
  let back: number | null = null;
  const all: Promise<void>[] = [];
  const send = async (): Promise<void> => {
    const came = performance.now();
    tried += 1;
    const answered = await ask(port);
    const now = performance.now();
    if (!answered) failed += 1;
    else if (heal !== null && came >= heal) back = Math.min(back ?? Number.POSITIVE_INFINITY, now - heal);
  };
  while (back === null && (heal === null || performance.now() < heal + patience)) {
    all.push(send());
    await sleep(every);
  }
  await Promise.all(all);
  return { tried, failed, back };
}

/** Whether a byte comes back, in so many ms. */
export function ask(port: number, patience = clientPatience): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (answered: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answered);
    };
    const timer = setTimeout(() => end(false), patience);
    socket.on('connect', () => socket.write('?'));
    socket.on('data', () => end(true));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
  });
}
