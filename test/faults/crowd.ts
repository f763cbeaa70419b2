import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { dial } from '../fixtures/client.ts';
import { clock } from './measure.ts';

export const mib = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)}MiB`;
/** The time that a share of all does not exceed. */
export const percentile = (times: readonly number[], share: number): number =>
  [...times].sort((one, other) => one - other)[Math.floor(times.length * share)] ?? 0;

/** Round trips of one byte on a connection that is open, ms. */
export async function trips(port: number, count: number): Promise<number[]> {
  const client = await dial(port);
  const times: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const trip = clock();
    client.write('x');
    await once(client, 'data');
    times.push(trip());
  }
  client.destroy();
  return times;
}

/** Comes, says something, and waits for its echo; the connection stays open. */
export async function come(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed without an answer')));
    socket.once('data', () => resolve());
    socket.write('x');
  });
  socket.removeAllListeners('close');
  return socket;
}

/** So many clients come in one tick, and stay: what became of each, how long it waited, and until the last one had its echo, ms. */
export async function comeAtOnce(port: number, count: number) {
  const times: number[] = [];
  const whole = clock();
  const came = await Promise.allSettled(
    Array.from({ length: count }, async () => {
      const one = clock();
      const socket = await come(port);
      times.push(one());
      return socket;
    }),
  );
  return { came, times, took: whole() };
}

/** The median of the p99 of five rounds of 300 trips each, ms: of a client's worst waits, in a minute as it usually is. */
export async function usualP99(port: number): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < 5; round += 1) rounds.push(percentile(await trips(port, 300), 0.99));
  return percentile(rounds, 0.5);
}
