import { test } from 'tap';
import { exchange } from '../fixtures/client.ts';
import { BACKEND_COMMAND, ECHO_PORT, startContainer } from '../fixtures/container.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { run, startDaemon } from './daemon.ts';

test('sshd killed under load: the download fails, and whoever comes is served', async (t) => {
  const container = await startContainer(t);
  await container.exec(`setsid ${BACKEND_COMMAND} http --port=8080 >/tmp/log 2>&1 </dev/null &`);
  const daemon = await startDaemon(t, container, {
    r: { host: 'test', forwards: ['0:127.0.0.1:8080', `0:127.0.0.1:${ECHO_PORT}`] },
  });
  await daemon.reach('r', 'connected');
  const download = run('curl', [
    '-sS',
    '-o',
    '/dev/null',
    `http://127.0.0.1:${await daemon.port('r')}/slow/100000000/20`,
  ]);
  await waitUntil('bytes flow', async () => (await daemon.status('r')).counters.received > 0);
  const echo = await daemon.port('r', 1);
  await container.killSessions();
  const began = performance.now();
  const clients = await Promise.all(Array.from({ length: 20 }, (_, n) => exchange(echo, `client ${n}`)));
  t.comment(`20 clients were served ${Math.round(performance.now() - began)} ms after the kill`);
  t.same(
    clients.map(String),
    clients.map((_, n) => `client ${n}`),
  );
  const { code, stderr } = await download;
  t.not(code, 0, 'a cut download of unknown length does not look complete');
  t.comment(`curl ended with ${code}: ${stderr.trim()}`);
});
