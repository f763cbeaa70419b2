import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from './witness.ts';

const host = '127.0.0.1';

/** So many clients, at once or `apart` ms: how many got no answer, and how long it took until the last one had its own. */
export async function burst(port: number, count: number, apart = 0): Promise<{ lost: number; took: number }> {
  const began = performance.now();
  const all: Promise<boolean>[] = [];
  for (let number = 0; number < count; number += 1) {
    all.push(ask(port));
    if (apart > 0) await sleep(apart);
  }
  const answers = await Promise.all(all);
  return { lost: answers.filter((answered) => !answered).length, took: performance.now() - began };
}

/** Clients that are joined and say nothing more. */
export async function hold(port: number, count: number): Promise<{ close(): void }> {
  const sockets: Socket[] = [];
  // No faster than they are accepted: the kernel drops what no backlog holds, and asks again ever later, for two minutes.
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(50, count - sockets.length) }, () => connect({ port, host }));
    sockets.push(...some);
    await Promise.all(some.map((socket) => once(socket, 'connect')));
    for (const socket of some) socket.on('error', () => undefined);
  }
  await sleep(1_000);
  return {
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Sends bytes to an echo and counts them on their return: ms, or null if they were cut or changed. */
export function exchangeBytes(port: number, size: number): Promise<number | null> {
  return new Promise((resolve) => {
    const began = performance.now();
    const chunk = Buffer.from(Array.from({ length: 64 * 1024 }, (_, index) => (index * 7 + (index >> 8)) & 255));
    const socket = connect({ port, host });
    let [sent, came] = [0, 0];
    const pour = () => {
      while (sent < size) {
        sent += chunk.length;
        if (!socket.write(chunk)) return;
      }
      socket.end();
    };
    const end = (took: number | null) => {
      socket.destroy();
      resolve(took);
    };
    socket.on('drain', pour);
    socket.on('connect', pour);
    socket.on('data', (bytes) => {
      for (let at = 0; at < bytes.length; ) {
        const from = (came + at) % chunk.length;
        const length = Math.min(bytes.length - at, chunk.length - from);
        if (bytes.compare(chunk, from, from + length, at, at + length) !== 0) return end(null);
        at += length;
      }
      came += bytes.length;
    });
    socket.on('end', () => end(came === size ? performance.now() - began : null));
    socket.on('error', () => end(null));
  });
}

/** A client that ends its half after the last byte gets all of them back. */
export const halfClose = async (port: number, size: number): Promise<boolean> =>
  (await exchangeBytes(port, size)) !== null;

/** `stalled` clients who send 4 MiB each to an echo and read nothing; beside them one asks `times` times. p99 in ms. */
export async function crowdOfStalled(
  port: number,
  stalled: number,
  times: number,
): Promise<{ p99: number; unanswered: number }> {
  const sockets: Socket[] = [];
  for (let number = 0; number < stalled; number += 1) {
    const socket = connect({ port, host });
    socket.pause().on('error', () => undefined);
    socket.write(Buffer.alloc(4 * 1024 * 1024));
    sockets.push(socket);
  }
  await sleep(3_000);
  const { times: trips, unanswered } = await askOften(port, times);
  for (const socket of sockets) socket.destroy();
  return { p99: trips[Math.floor(trips.length * 0.99)] ?? Number.NaN, unanswered };
}

/** How long each of so many clients waited for its answer, one after the other, the shortest first; ms. Five without an answer are enough. */
export async function askOften(port: number, times: number): Promise<{ times: number[]; unanswered: number }> {
  const trips: number[] = [];
  let unanswered = 0;
  for (let number = 0; number < times && unanswered < 5; number += 1) {
    const began = performance.now();
    if (await ask(port, 5_000)) trips.push(performance.now() - began);
    else unanswered += 1;
  }
  return { times: trips.sort((a, b) => a - b), unanswered };
}
