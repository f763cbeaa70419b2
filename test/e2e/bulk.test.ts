import { createHash } from 'node:crypto';
import { test } from 'tap';
import { dial } from '../fixtures/client.ts';
import { ECHO_PORT, startContainer } from '../fixtures/container.ts';
import { testBytes, testHash } from '../fixtures/bytes.ts';
import { within } from '../fixtures/wait.ts';
import { startDaemon } from './daemon.ts';

const size = 100_000_000;

test('100 MB go there and come back, byte for byte', async (t) => {
  const container = await startContainer(t);
  const daemon = await startDaemon(t, container, { r: { host: 'test', forwards: [`0:127.0.0.1:${ECHO_PORT}`] } });
  await daemon.reach('r', 'connected');
  const socket = await dial(await daemon.port('r'));
  const hash = createHash('sha256');
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    received += chunk.length;
  });
  const began = performance.now();
  const ended = new Promise<void>((resolve, reject) => {
    socket.once('end', resolve);
    socket.once('error', reject);
  });
  for (const chunk of testBytes(size)) {
    if (!socket.write(chunk)) await new Promise<void>((resolve) => socket.once('drain', resolve));
  }
  socket.end();
  await within('the end', ended, 60_000);
  t.equal(received, size);
  t.equal(hash.digest('hex'), testHash(size));
  t.comment(`100 MB both ways through the container took ${Math.round(performance.now() - began)} ms`);
});
