import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange } from '../../fixtures/client.ts';
import { freePort } from '../../fixtures/port.ts';
import { HERE } from '../../fixtures/launching.ts';
import { processesWith, signalAll } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';
import { clock, measured } from '../../faults/measure.ts';

// What a relay leads to while a second link is made beside one that hangs.

const request = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

async function startBacked(t: Owner, lifetime: 'detached' | 'session') {
  const sshd = await startSshd(t);
  const plugins = [{ use: 'launch', command: `exec ${HERE} http --port={port}`, lifetime }];
  const forwards = [{ listen: 0, target: 'backend', health: null }];
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards, plugins, hold: { time: '30s' } } });
  const run = async () => (await relays.reach('r', 'connected', 60_000)).lanes[0]?.backend?.run ?? '';
  return { sshd, relays, run, first: await run() };
}

test('the second link adopts the backend: it is not doubled, and serves within five seconds', async (t) => {
  const { sshd, relays, run, first } = await startBacked(t, 'detached');
  const before = processesWith(`TOWLINE_RUN=${first}`);
  const from = relays.supervisor.status().id;
  const frozen = sshd.freezeSessions();
  const since = clock();
  const answer = exchange(relays.port('r'), request);
  t.match(String(await answer), /^HTTP\/1\.1 /);
  const serve = since();
  measured(t, 'F03', { backend: 'detached', serve });
  t.ok(serve < 5_000, `${serve}`);
  t.equal(await run(), first);
  t.match(
    relays.events.filter(({ id, type }) => id > from && type === 'backend.ready'),
    [{ backend: { adopted: true } }],
  );
  t.same(processesWith(`TOWLINE_RUN=${first}`), before);
  signalAll(frozen, 'SIGCONT');
});

test('a backend that ends with its link keeps it: no second one is made, and the old one goes on when it answers', async (t) => {
  const { sshd, relays, run, first } = await startBacked(t, 'session');
  const from = relays.supervisor.status().id;
  sshd.freezeSessions();
  const answer = exchange(relays.port('r'), request, 30_000);
  await relays.next('the doubt', (event) => event.type === 'link.doubted', from);
  t.match(relays.status('r').standing, { word: 'degraded', reason: /its backend would end with this link/ });
  await waitUntil('the client is held', () => relays.status('r').counters.held === 1);
  t.match(relays.status('r').lanes[0]?.state, { at: 'up', beside: { at: 'alone' } });
  sshd.killSessions('SIGCONT');
  await relays.next('an answer', (event) => event.type === 'link.answered', from);
  t.match(String(await answer), /^HTTP\/1\.1 /);
  t.equal(await run(), first);
  t.equal(sshd.log().match(/Accepted publickey/g)?.length, 1, 'one login');
});

test('a remote forward moves to the second link, and who came over the first one stays', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const port = await freePort();
  const forwards = [
    { kind: 'remote', listen: `127.0.0.1:${port}`, target: `127.0.0.1:${echo.port}` },
    `0:127.0.0.1:${echo.port}`,
  ];
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards, hold: { time: '30s' } } });
  await relays.reach('r', 'connected');
  const there = await dial(port);
  t.teardown(() => there.destroy());
  let said = '';
  there.on('data', (chunk) => {
    said += String(chunk);
  });
  there.write('first ');
  await waitUntil('the first word', () => said === 'first ');
  const from = relays.supervisor.status().id;
  const frozen = sshd.freezeSessions();
  t.equal(String(await exchange(relays.port('r', 1), 'beside')), 'beside');
  await relays.next('the second link', (event) => event.type === 'link.replaced', from);
  signalAll(frozen, 'SIGCONT');
  // The old session lets the port go once it hears that it is not wanted there any more.
  await relays.next('it listens', (event) => event.type === 'remote.bound', from);
  t.equal(String(await exchange(port, 'over the second')), 'over the second');
  there.write('second');
  await waitUntil('the first one carries on', () => said === 'first second');
});
