import type { Socket } from 'node:net';
import { dial } from '../fixtures/client.ts';
import { within } from '../fixtures/wait.ts';
import { clock } from './measure.ts';

/** Round trips through an echo, ms, in order of their length. */
export interface Trips {
  readonly count: number;
  readonly median: number;
  readonly p99: number;
  readonly longest: number;
}

/** Says something and waits for its echo, over and over on one connection, so many ms long; rejects when an answer is wrong or the last. */
export function talk(to: number | string, duration: number, patience = 60_000): Promise<Trips> {
  const whole = clock();
  return talkWhile(to, () => whole() < duration, patience);
}

/** The same until what comes back is called. */
export function keepTalking(to: number | string): () => Promise<Trips> {
  let over = false;
  const trips = talkWhile(to, () => !over, 60_000);
  trips.catch(() => undefined); // whoever ends it hears of it
  return () => {
    over = true;
    return trips;
  };
}

async function talkWhile(to: number | string, goesOn: () => boolean, patience: number): Promise<Trips> {
  const socket = await dial(to);
  const trips: number[] = [];
  const gone = new Promise<never>((_, reject) => {
    // A Unix socket cannot be reset: who is cut there sees an end.
    for (const cut of ['end', 'close']) socket.once(cut, () => reject(new Error(`cut after ${trips.length} words`)));
  });
  gone.catch(() => undefined); // it is closed in the end, too
  try {
    for (let n = 0; n === 0 || goesOn(); n += 1) {
      const text = `word ${n} `;
      const trip = clock();
      socket.write(text);
      let heard = '';
      while (heard.length < text.length) {
        const [chunk] = await within(`the echo of ${text}`, Promise.race([next(socket), gone]), patience);
        heard += String(chunk);
      }
      if (heard !== text) throw new Error(`${heard} came back for ${text}`);
      trips.push(trip());
      await new Promise((resolve) => setTimeout(resolve, 50)); // so do people
    }
  } finally {
    socket.destroy();
  }
  trips.sort((one, other) => one - other);
  const at = (part: number) => trips[Math.floor(trips.length * part)] ?? 0;
  return { count: trips.length, median: at(0.5), p99: at(0.99), longest: trips.at(-1) ?? 0 };
}

function next(socket: Socket): Promise<Buffer[]> {
  return new Promise((resolve) => socket.once('data', (chunk: Buffer) => resolve([chunk])));
}
