import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'tap';
import { runTowline } from '../fixtures/cli.ts';
import { exchange } from '../fixtures/client.ts';
import { BACKEND_COMMAND, ECHO_PORT, startContainer } from '../fixtures/container.ts';
import { run, startDaemon, writeConfig } from './daemon.ts';

test('a backend that is down is named at once, and its return is noticed', async (t) => {
  const container = await startContainer(t);
  const daemon = await startDaemon(t, container, { r: { host: 'test', forwards: ['0:127.0.0.1:8080'] } });
  t.match((await daemon.reach('r', 'degraded')).standing.fault, { code: 'TARGET_REFUSED' });
  const port = await daemon.port('r');
  t.not((await run('curl', ['-sS', `http://127.0.0.1:${port}/`])).code, 0);
  await container.exec(`setsid ${BACKEND_COMMAND} http --port=8080 >/tmp/log 2>&1 </dev/null &`);
  await daemon.reach('r', 'connected');
  t.match(await run('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code}', `http://127.0.0.1:${port}/status/204`]), {
    code: 0,
    stdout: '204',
  });
});

test('a taken port is named with its owner, harms no other relay, and is an exit code', async (t) => {
  const container = await startContainer(t);
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  t.teardown(() => squatter.close());
  const address = squatter.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const relays = {
    taken: { host: 'test', forwards: [`${address.port}:127.0.0.1:${ECHO_PORT}`] },
    other: { host: 'test', forwards: [`0:127.0.0.1:${ECHO_PORT}`] },
  };
  const daemon = await startDaemon(t, container, relays);
  const { fault } = (await daemon.reach('taken', 'degraded')).standing;
  t.match(fault, { code: 'LISTEN_TAKEN', message: new RegExp(`pid ${process.pid} `) });
  await daemon.reach('other', 'connected');
  t.equal((await exchange(await daemon.port('other'), 'fine')).toString(), 'fine');
  await daemon.cli.stop();
  const ended = await runTowline(t, ['up', '--exit-on-failure', '--config', writeConfig(t, container, relays)]);
  t.match(ended, { code: 73, stderr: /\[LISTEN_TAKEN\]/ });
});
