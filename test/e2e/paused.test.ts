import { test } from 'tap';
import { exchange } from '../fixtures/client.ts';
import { ECHO_PORT, startContainer } from '../fixtures/container.ts';
import { startDaemon } from './daemon.ts';

test('a paused container is noticed in time, and who waits is served when it goes on', async (t) => {
  const container = await startContainer(t);
  const daemon = await startDaemon(t, container, {
    r: {
      host: 'test',
      forwards: [`0:127.0.0.1:${ECHO_PORT}`],
      keepalive: { interval: '1s', count: 3 },
      hold: { time: '1m' },
    },
  });
  await daemon.reach('r', 'connected');
  const port = await daemon.port('r');
  await container.pause();
  const began = performance.now();
  await daemon.reach('r', 'reconnecting', 8_000);
  const took = performance.now() - began;
  t.comment(`a paused container was noticed after ${Math.round(took)} ms at 1 s x 3`);
  t.ok(took < 6_000);
  const held = exchange(port, 'patience', 40_000);
  await container.unpause();
  t.equal((await held).toString(), 'patience');
  await daemon.reach('r', 'connected');
});
