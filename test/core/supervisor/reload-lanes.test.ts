import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, open, openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { remoteHost } from '../../../src/core/ssh/link/remote-host.ts';
import { endBackend } from '../../../src/plugins/launch/manage.ts';
import { startEcho, startTcp } from '../../fixtures/backend.ts';
import { dial, exchange, readAll } from '../../fixtures/client.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { makeMoody } from '../../fixtures/moody.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

// What a config that changes leaves behind: no lane, no token, no wish of the one before.

/** Takes every thread by which this process reads and writes files; the function that comes back gives them free. */
function takeThreads(dir: string): () => void {
  const pipe = join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  // Whoever opens a pipe to read waits in a thread until somebody opens it to write.
  const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
  for (let n = 0; n < threads; n += 1) open(pipe, 'r', (_, file) => closeSync(file));
  return () => closeSync(openSync(pipe, 'w'));
}

test('a lane of the config before that comes up in the middle of a reload serves nobody', async (t) => {
  const sshd = await startSshd(t);
  const old = await startTcp(t, 0, (socket) => void socket.end('old'));
  const fresh = await startTcp(t, 0, (socket) => void socket.end('new'));
  const more = await startEcho(t);
  const forwards = (to: number) => [{ listen: '0', target: `127.0.0.1:${to}`, health: null }];
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: forwards(old.port), hold: { time: '30s' } } });
  await relays.reach('r', 'connected');
  const port = relays.port('r');
  const from = relays.supervisor.status().id;
  sshd.pause();
  sshd.killSessions();
  await relays.next('the loss', (event) => event.type === 'lane.changed' && event.state.at === 'dialing', from);
  // A new port is written down before the links are ended.
  let release: () => void = () => undefined;
  const changed = relays.next('the change', ({ type }) => type === 'relay.changed', from).then(({ id }) => id);
  relays.supervisor.subscribe(from, ({ type }) => {
    if (type === 'relay.changed') release = takeThreads(makeTemp(t, 'pipe'));
  });
  t.teardown(() => release());
  const reloaded = relays.reload({
    r: { host: 'test', forwards: [...forwards(fresh.port), `0:127.0.0.1:${more.port}`], hold: { time: '30s' } },
  });
  const after = await changed;
  sshd.resume();
  await relays.next('the old lane', (event) => event.type === 'lane.changed' && event.state.at === 'up', after);
  const answer = readAll(await dial(port));
  await waitUntil('it has come', () => relays.status('r').counters.accepted === 1);
  release();
  release = () => undefined;
  await reloaded;
  t.equal(String(await within('its answer', answer, 30_000)), 'new');
  t.equal(relays.port('r'), port);
});

test('the token and the backend of the config before are not shown any more', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const plugin = join(makeTemp(t, 'plugin'), 'brings.mjs');
  writeFileSync(
    plugin,
    `export default { name: 'brings', relay: () => ({ backend: () => ({
  target: { kind: 'tcp', host: '127.0.0.1', port: ${echo.port} }, run: null, adopted: true, token: { reveal: () => 'of-the-first' },
}) }) };\n`,
    { mode: 0o600 },
  );
  const led = (over: object) => ({
    host: 'test',
    drain: '60s',
    forwards: ['0:backend'],
    plugins: [{ use: plugin }],
    ...over,
  });
  const plain = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] };
  const relays = await supervise(t, sshd, { other: led({}), plain: led({}), back: led({}), keep: plain });
  const shown = (name: string) => {
    const { token, backend } = relays.supervisor.token(name);
    return [token?.reveal() ?? null, backend?.target ?? null];
  };
  for (const name of ['other', 'plain', 'back']) {
    await relays.reach(name, 'connected');
    t.match(shown(name), ['of-the-first', { port: echo.port }]);
  }
  const client = await dial(relays.port('back'));
  t.teardown(() => client.destroy());
  client.write('x');
  await once(client, 'data');
  // One leads to another host, one has no backend any more, and one is taken out and drains.
  await relays.reload({ other: led({ host: 'nowhere.invalid' }), plain, keep: plain });
  t.same(
    [shown('other'), shown('plain')],
    [
      [null, null],
      [null, null],
    ],
  );
  await relays.reload({
    other: led({ host: 'nowhere.invalid' }),
    plain,
    back: led({ host: 'nowhere.invalid' }),
    keep: plain,
  });
  t.same(shown('back'), [null, null], 'it came back before it had ended');
  await relays.reach('plain', 'connected');
  t.same(shown('plain'), [null, null]);
});

test('a reload starts no backend that was stopped on purpose', async (t) => {
  const sshd = await startSshd(t);
  const moody = makeMoody(t);
  const r = {
    host: 'test',
    forwards: [{ listen: 0, target: 'backend', health: moody.health }],
    plugins: [moody.plugin],
  };
  const relays = await supervise(t, sshd, { r });
  await relays.reach('r', 'connected', 60_000);
  const link = await openTestLink(t, sshd);
  await endBackend(remoteHost(link), 'r', { forGood: true });
  await relays.next(
    'it is found stopped',
    (event) => event.type === 'lane.changed' && event.state.at === 'up' && event.state.backing?.at === 'blocked',
  );
  const from = relays.supervisor.status().id;
  t.match(await relays.reload({ r: { ...r, settle: '11s' } }), { changed: ['r'] });
  const blocked = await relays.next(
    'the lane of the new config',
    (event) =>
      event.type === 'lane.changed' &&
      event.state.at === 'up' &&
      (event.state.backing === null || event.state.backing.at === 'blocked'),
    from,
  );
  t.match(blocked, { state: { at: 'up', backing: { at: 'blocked', fault: { code: 'BACKEND_STOPPED' } } } });
  t.equal(moody.started(), 1);
  await relays.supervisor.startRelay('r');
  await relays.reach('r', 'connected', 60_000);
  t.equal(moody.started(), 2, 'its user may');
});

test('what a lane of the config before says of its forwards and its backend counts no longer', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const dir = makeTemp(t, 'plugin');
  const [plugin, go] = [join(dir, 'late.mjs'), join(dir, 'go')];
  writeFileSync(
    plugin,
    `import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
export default { name: 'late', relay: () => ({ async backend() {
  while (!existsSync(${JSON.stringify(go)})) await sleep(10);
  return { target: { kind: 'tcp', host: '127.0.0.1', port: ${echo.port} }, run: null, adopted: true, token: { reveal: () => 'of-the-first' } };
} }) };\n`,
    { mode: 0o600 },
  );
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  const address = squatter.address();
  const taken = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const first = [`remote:${taken}:127.0.0.1:${echo.port}`, '0:backend'];
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: first, plugins: [{ use: plugin }] },
  });
  await relays.next('it is taken', ({ type }) => type === 'remote.failed');
  const from = relays.supervisor.status().id;
  let release: () => void = () => undefined;
  const changed = relays.next('the change', ({ type }) => type === 'relay.changed', from).then(({ id }) => id);
  relays.supervisor.subscribe(from, ({ type }) => {
    if (type === 'relay.changed') release = takeThreads(makeTemp(t, 'pipe'));
  });
  t.teardown(() => release());
  const reloaded = relays.reload({
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`, `0:[::1]:${echo.port}`] },
  });
  const after = await changed;
  squatter.close();
  await waitUntil('the old lane listens there', () =>
    dial(taken).then(
      (client) => !!client.destroy(),
      () => false,
    ),
  );
  t.equal(String(await exchange(taken, 'over the old lane')), 'over the old lane');
  closeSync(openSync(go, 'w'));
  await relays.next(
    'its backend came',
    (event) => event.type === 'lane.changed' && event.state.at === 'up' && event.state.backing === null,
    after,
  );
  const { token, backend } = relays.supervisor.token('r');
  t.same([token, backend], [null, null]);
  release();
  release = () => undefined;
  await reloaded;
  await relays.next('the next lane', ({ type }) => type === 'worker.started', after);
  const late = relays.events.filter(
    ({ id, type }) => id > after && (type === 'remote.bound' || type === 'backend.ready'),
  );
  t.same(late, []);
  t.match(relays.status('r').forwards[0], { kind: 'local', bound: true, boundBy: null });
  t.not(relays.port('r'), taken);
  t.equal(String(await exchange(relays.port('r'), 'over the new one')), 'over the new one');
});
