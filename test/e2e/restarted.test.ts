import { test } from 'tap';
import { exchange } from '../fixtures/client.ts';
import { ECHO_PORT, startContainer } from '../fixtures/container.ts';
import { startDaemon } from './daemon.ts';

test('after a restart of the container the relay is back by itself, on the same port', async (t) => {
  const container = await startContainer(t);
  const daemon = await startDaemon(t, container, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${ECHO_PORT}`], hold: { time: '1m' } },
  });
  await daemon.reach('r', 'connected');
  const port = await daemon.port('r');
  const restarted = container.restart();
  await daemon.reach('r', 'reconnecting');
  const held = exchange(port, 'held', 60_000);
  await restarted;
  const began = performance.now();
  t.equal((await held).toString(), 'held');
  t.comment(`a held client was served ${Math.round(performance.now() - began)} ms after sshd was back`);
  await daemon.reach('r', 'connected');
  t.equal(await daemon.port('r'), port);
});
