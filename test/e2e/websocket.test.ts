import { once } from 'node:events';
import { test } from 'tap';
import { WebSocket } from 'ws';
import { BACKEND_COMMAND, startContainer } from '../fixtures/container.ts';
import { within } from '../fixtures/wait.ts';
import { startDaemon } from './daemon.ts';

test('a UI talks to a WebSocket backend in the container, and connected means that it answered', async (t) => {
  const container = await startContainer(t);
  const daemon = await startDaemon(t, container, {
    ui: {
      host: 'test',
      forwards: [{ listen: 0, target: 8787, health: { kind: 'websocket', every: '1s', timeout: '1s' } }],
    },
  });
  t.match((await daemon.reach('ui', 'degraded')).standing.fault, { code: 'TARGET_REFUSED' });
  await container.exec(`setsid ${BACKEND_COMMAND} serve --port=8787 >/tmp/log 2>&1 </dev/null &`);
  const status = await daemon.reach('ui', 'connected');
  t.equal(status.standing.verified, true);
  const socket = new WebSocket(`ws://127.0.0.1:${await daemon.port('ui')}/`, ['mains.v1']);
  t.teardown(() => socket.terminate());
  await within('the handshake', once(socket, 'open'));
  socket.send('hello over there');
  const [answer] = await within('the echo', once(socket, 'message'));
  t.equal(String(answer), 'hello over there');
});
