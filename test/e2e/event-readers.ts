import { connect, type Socket } from 'node:net';
import { openClient } from '../../src/control/client.ts';
import type { Owner } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';

/** Readers of all events to come; the first never reads. */
export async function openReaders(t: Owner, socket: string, count: number): Promise<{ heard: number[]; lazy: Socket }> {
  const heard: number[] = [];
  // Not what is kept of earlier events.
  const { id } = await openClient(socket).status();
  const open = async (n: number): Promise<Socket> => {
    const reader = connect(socket, () => reader.write(`GET /v1/events?after=${id} HTTP/1.1\r\nHost: towline\r\n\r\n`));
    reader.on('error', () => undefined);
    t.teardown(() => reader.destroy());
    heard[n] = 0;
    reader.on('data', (chunk: Buffer) => {
      heard[n] = (heard[n] ?? 0) + chunk.length;
    });
    return n === 0 ? reader.pause() : reader;
  };
  const [lazy] = await Promise.all(Array.from({ length: count }, (_, n) => open(n)));
  if (lazy === undefined) throw new Error('nobody reads');
  await waitUntil('all read', () => heard.slice(1).every((bytes) => bytes > 0));
  return { heard, lazy };
}
