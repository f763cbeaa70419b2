import { connect } from 'node:net';
import { remember, wasReset } from '../fixtures/reset.ts';
import type { SoakRelay } from './world.ts';

/** How one stream ended. */
export type Outcome =
  /** Every byte came back, and the end after our end. */
  | { readonly how: 'whole' }
  /** It was reset, or not let in: its client knows. */
  | { readonly how: 'cut'; readonly why: string }
  /** It ended as if it were whole, and was not. */
  | { readonly how: 'truncated'; readonly at: number; readonly of: number }
  /** Another byte came back than was sent. */
  | { readonly how: 'wrong'; readonly at: number }
  /** Nothing moved for too long. */
  | { readonly how: 'hung'; readonly at: number; readonly of: number };

/** How a stream is to be run. */
export interface StreamOptions {
  /** Bytes that are sent, and are to come back. */
  readonly size: number;
  /** What the bytes are made from. */
  readonly seed: number;
  /** ms between two pieces of up to 16 KiB. */
  readonly pace: number;
  /** Port that a client of a dynamic forward asks for. */
  readonly target: number;
  /** ms without a byte after which it counts as hung. */
  readonly patience: number;
}

const piece = 16 * 1024;

/** Sends bytes through a relay to a target that sends them back, and compares each one. Never rejects. */
export function runStream({ port, kind }: SoakRelay, options: StreamOptions): Promise<Outcome> {
  const { size, seed, pace, target, patience } = options;
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    remember(socket);
    let sent = 0;
    let got = 0;
    let greeting = kind === 'dynamic' ? 12 : 0;
    let timer: NodeJS.Timeout | undefined;
    const finish = (outcome: Outcome) => {
      clearTimeout(timer);
      clearTimeout(clock);
      socket.destroy();
      resolve(outcome);
    };
    let clock: NodeJS.Timeout | undefined;
    const alive = () => {
      clearTimeout(clock);
      clock = setTimeout(() => finish({ how: 'hung', at: got, of: size }), patience);
    };
    const send = () => {
      const count = Math.min(piece, size - sent);
      const bytes = Buffer.allocUnsafe(count);
      for (let index = 0; index < count; index += 1) bytes[index] = byteAt(seed, sent + index);
      sent += count;
      const more = socket.write(bytes);
      if (sent >= size) return void socket.end();
      if (more) timer = setTimeout(send, pace);
      else
        socket.once('drain', () => {
          timer = setTimeout(send, pace);
        });
    };
    alive();
    socket.on('connect', () => {
      if (kind === 'dynamic') socket.write(Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, target >> 8, target & 255]));
      send();
    });
    socket.on('data', (chunk: Buffer) => {
      alive();
      let at = 0;
      if (greeting > 0) {
        // Method and reply (RFC 1928): the fourth byte of both says what came of it.
        const reply = 12 - greeting <= 3 ? chunk[3 - (12 - greeting)] : undefined;
        if (reply !== undefined && reply !== 0) return finish({ how: 'cut', why: `SOCKS ${reply}` });
        at = Math.min(greeting, chunk.length);
        greeting -= at;
      }
      for (; at < chunk.length; at += 1, got += 1) {
        if (chunk[at] !== byteAt(seed, got)) return finish({ how: 'wrong', at: got });
      }
    });
    socket.on('end', () => {
      if (got === size) return finish({ how: 'whole' });
      finish(wasReset(socket) ? { how: 'cut', why: 'reset' } : { how: 'truncated', at: got, of: size });
    });
    socket.on('error', (error: NodeJS.ErrnoException) => finish({ how: 'cut', why: error.code ?? error.message }));
    socket.on('close', () => finish({ how: 'cut', why: 'closed' }));
  });
}

/** A byte of a stream: no two streams, and no two places in one, look alike. */
function byteAt(seed: number, at: number): number {
  const word = Math.imul((at >>> 0) ^ Math.imul(seed, 0x9e37_79b1), 0x85eb_ca6b);
  return ((word ^ (word >>> 13)) >>> 8) & 255;
}
