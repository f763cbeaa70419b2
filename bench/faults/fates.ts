import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { remember, wasReset } from '../../test/fixtures/reset.ts';
import { show, type Verdict } from './row.ts';

/** What a client learns: the port is refused, it is reset, it ends as after success, it is answered, or nothing. */
type Fate = 'refused' | 'reset' | 'end' | 'answered' | 'silence';

const host = '127.0.0.1';

export const failed = (count: number, of: number, took: number): Verdict => ({
  text: `${count} of ${of} failed; ${show(took)}`,
  bad: count,
  took,
});

/** What so many clients learn whom nobody can serve, one after the other; bad is what looks like success, or like nothing. */
export async function countFates(port: number, count: number): Promise<Verdict> {
  const fates: Fate[] = [];
  for (let number = 0; number < count; number += 1) fates.push(await fateOf(port));
  const text = [...new Set(fates)].map((fate) => `${fates.filter((one) => one === fate).length} of ${count}: ${fate}`);
  const bad = fates.filter((fate) => fate === 'end' || fate === 'silence').length;
  return { text: text.join(', '), bad, took: null };
}

function fateOf(port: number): Promise<Fate> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    remember(socket);
    const timer = setTimeout(() => end('silence'), 15_000);
    const end = (fate: Fate) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(fate);
    };
    socket.on('connect', () => socket.write('?'));
    socket.on('data', () => end('answered'));
    socket.on('end', () => end(wasReset(socket) ? 'reset' : 'end'));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => end(code === 'ECONNREFUSED' ? 'refused' : 'reset'));
  });
}

/** A client that sends as fast as it may. */
export interface Pourer {
  /** How it ended, and after how many ms of `performance.now()`; null: it has not. */
  readonly ended: () => { readonly how: 'reset' | 'end'; readonly at: number } | null;
  close(): void;
}

/** Pours into a target that reads, and reads what comes back. */
export function pour(port: number): Pourer {
  const socket: Socket = connect({ port, host });
  remember(socket);
  let ended: { how: 'reset' | 'end'; at: number } | null = null;
  const end = (how: 'reset' | 'end') => {
    ended ??= { how, at: performance.now() };
  };
  const chunk = Buffer.alloc(64 * 1024, 7);
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('connect', more).on('drain', more).resume();
  socket.on('end', () => end(wasReset(socket) ? 'reset' : 'end'));
  socket.on('error', () => end('reset'));
  return { ended: () => ended, close: () => void socket.destroy() };
}

/** A client that says a byte each 100 ms for so long, then ends its half: whether all came back, and an end. */
export async function talkFor(port: number, lasts: number): Promise<boolean> {
  const socket = connect({ port, host, allowHalfOpen: true });
  remember(socket);
  let [sent, came] = [0, 0];
  const whole = new Promise<boolean>((resolve) => {
    socket.on('data', (bytes) => {
      came += bytes.length;
    });
    socket.on('end', () => resolve(!wasReset(socket) && came === sent && socket.writableEnded));
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
  const until = performance.now() + lasts;
  while (performance.now() < until && !socket.destroyed) {
    socket.write('.');
    sent += 1;
    await sleep(100);
  }
  socket.end();
  const answer = await Promise.race([whole, sleep(5_000, false)]);
  socket.destroy();
  return answer;
}
