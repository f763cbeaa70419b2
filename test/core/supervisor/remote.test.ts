import { once } from 'node:events';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, linkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho, startSink, startSource } from '../../fixtures/backend.ts';
import { dial, exchange, fate, fateOf, readAll } from '../../fixtures/client.ts';
import { freePort } from '../../fixtures/port.ts';
import { endAll } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

test('the remote host listens, and its clients reach this machine, byte-exact and half-closed', async (t) => {
  const sshd = await startSshd(t);
  const sink = await startSink(t);
  const port = await freePort();
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`remote:${port}:127.0.0.1:${sink.port}`] } });
  t.match((await relays.reach('r', 'connected')).standing, { word: 'connected', verified: true });
  const bytes = randomBytes(20_000_000);
  t.equal((await exchange(port, bytes)).toString(), createHash('sha256').update(bytes).digest('hex'));
  await waitUntil(
    'the counts',
    () => relays.status('r').counters.open === 0 && relays.status('r').counters.accepted === 1,
  );
  t.match(relays.status('r').counters, { sent: bytes.length, received: 64, refused: 0 });
});

test('a Unix socket there leads to one here, and what a dead session left of it is replaced', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'unix');
  const here = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)).listen(join(dir, 'here'));
  await once(here, 'listening');
  t.teardown(() => here.close());
  const there = join(dir, 'there');
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`remote:unix:${there}:unix:${join(dir, 'here')}`] },
  });
  await relays.reach('r', 'connected');
  t.equal((await exchange(there, 'over unix')).toString(), 'over unix');
  const before = relays.events.length;
  sshd.killSessions();
  await relays.next('it listens again', (event) => event.type === 'remote.bound', before);
  t.equal((await exchange(there, 'once more')).toString(), 'once more');
});

test('a leftover socket file there is called one, not a process, and replaced; another file is left alone', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const dir = makeTemp(t, 'unix');
  const [there, file] = [join(dir, 'there'), join(dir, 'file')];
  const dead = createServer().listen(join(dir, 'dead'));
  await once(dead, 'listening');
  linkSync(join(dir, 'dead'), there);
  dead.close();
  writeFileSync(file, '');
  const forward = (path: string) => ({ host: 'test', forwards: [`remote:unix:${path}:127.0.0.1:${echo.port}`] });
  const relays = await supervise(t, sshd, { old: forward(there), file: forward(file) });
  const failed = (relay: string) => (event: Event) => event.type === 'remote.failed' && event.relay === relay;
  t.match(await relays.next('it is told', failed('old')), {
    fault: {
      code: 'LISTEN_TAKEN',
      message: /^a socket file was at .* no process listened on it: a leftover of .*; it was removed/,
    },
  });
  await relays.reach('old', 'connected');
  t.equal((await exchange(there, 'mine now')).toString(), 'mine now');
  t.match(await relays.next('it is told', failed('file')), {
    fault: {
      code: 'LISTEN_TAKEN',
      message: /^a file that is no socket is at .*; remove it, or choose another `listen`/,
    },
  });
  t.ok(existsSync(file));
});

test('a lost link cuts what is open with a reset on this side, and the next one listens again', async (t) => {
  const sshd = await startSshd(t);
  const source = await startSource(t, 1_000_000_000);
  const port = await freePort();
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`remote:${port}:127.0.0.1:${source.port}`] },
  });
  await relays.reach('r', 'connected');
  const accepted = source.nextConnection();
  const client = await dial(port);
  await once(client, 'data');
  const target = await within('the connection', accepted);
  const cut = fate(target);
  const after = relays.events.length;
  sshd.killSessions();
  t.equal(await within('the cut', cut), 'ECONNRESET');
  await relays.next('it listens again', (event) => event.type === 'remote.bound', after);
  t.equal((await relays.reach('r', 'connected')).forwards[0]?.bound, true);
});

test('port 0: the server chooses, status shows which, and it is asked for again', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`remote:0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const port = relays.port('r');
  t.not(port, 0);
  t.equal((await exchange(port, 'x')).toString(), 'x');
  const after = relays.events.length;
  sshd.killSessions();
  const bound = await relays.next('it listens again', (event) => event.type === 'remote.bound', after);
  t.match(bound, { listen: { port } });
});

test('port 0: the port is kept by another lane, the next worker and a restart; where somebody took it meanwhile, another is chosen', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const forwards = [`remote:0:127.0.0.1:${echo.port}`];
  const relays = await supervise(t, sshd, {
    one: { host: 'test', forwards },
    two: { host: 'test', lanes: 2, forwards },
  });
  const bound = async (relay: string, deed: () => unknown) => {
    const after = relays.supervisor.status().id;
    await deed();
    const again = (event: Event) => event.type === 'remote.bound' && event.relay === relay;
    await relays.next('it listens again', again, after);
    return relays.port(relay);
  };
  await Promise.all([relays.reach('one', 'connected'), relays.reach('two', 'connected')]);
  await waitUntil('both lanes', () => relays.status('two').lanes.every(({ state }) => state.at === 'up'));
  const [one, two] = [relays.port('one'), relays.port('two')];
  const first = relays.status('two').forwards[0]?.boundBy ?? -1;
  t.equal(await bound('two', () => process.kill(relays.worker('two', first), 'SIGKILL')), two, 'by the other lane');
  t.equal(relays.status('two').forwards[0]?.boundBy, 1 - first);
  t.equal(await bound('one', () => process.kill(relays.worker('one'), 'SIGKILL')), one, 'by the next worker');
  t.equal(await bound('one', () => relays.supervisor.restartRelay('one')), one, 'after a restart');
  await relays.supervisor.stopRelay('one');
  const squatter = createServer();
  t.teardown(() => squatter.close());
  try {
    await once(squatter.listen(one, '127.0.0.1'), 'listening');
  } catch (error) {
    // The kernel has given it to somebody else, who will do as well.
    t.match(error, { code: 'EADDRINUSE' });
  }
  t.not(await bound('one', () => relays.supervisor.startRelay('one')), one, 'it is taken');
  t.equal((await exchange(relays.port('one'), 'moved')).toString(), 'moved');
});

test('a port that is taken there is named with its owner, and taken when it is free', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  const address = squatter.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`remote:${port}:127.0.0.1:${echo.port}`] } });
  const { standing } = await relays.reach('r', 'degraded');
  t.match(standing.fault, {
    code: 'LISTEN_TAKEN',
    message:
      /is taken on .* by a process of this user, such as the session of a lost link; stop it \(`ss -ltnp 'sport = :\d+'`.*, or choose another `listen`/,
  });
  squatter.close();
  await relays.reach('r', 'connected');
  t.equal((await exchange(port, 'mine now')).toString(), 'mine now');
});

test('a port that the frozen session of a dead link still has is named, and taken when that session ends', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const port = await freePort();
  const forwards = [`remote:${port}:127.0.0.1:${echo.port}`];
  const relays = await supervise(t, sshd, { r: { host: 'test', keepalive: 'fast', forwards } });
  await relays.reach('r', 'connected');
  const frozen = sshd.freezeSessions();
  const fault = () => relays.status('r').standing.fault;
  await waitUntil('the next link is told that the port is taken', () => fault()?.code === 'LISTEN_TAKEN');
  t.match(fault()?.message, /is taken on .* by a process of this user, such as the session of a lost link/);
  await endAll(frozen);
  await relays.reach('r', 'connected');
  t.equal((await exchange(port, 'mine again')).toString(), 'mine again');
});

test('a server that lets nobody listen is named, and the relay is blocked where it has no other forward', async (t) => {
  const sshd = await startSshd(t, { config: ['AllowTcpForwarding local'] });
  const echo = await startEcho(t);
  const both = [`remote:0:127.0.0.1:${echo.port}`, `0:127.0.0.1:${echo.port}`];
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: both },
    only: { host: 'test', forwards: [both[0]] },
  });
  t.match((await relays.reach('only', 'blocked')).standing.fault, {
    code: 'FORWARDING_REFUSED',
    message: /PermitListen/,
  });
  t.match((await relays.reach('r', 'degraded')).standing.fault, { code: 'FORWARDING_REFUSED' });
  t.equal((await exchange(relays.port('r', 1), 'well')).toString(), 'well');
});

test('a target here that refuses is told and counted', async (t) => {
  const sshd = await startSshd(t);
  const gone = await startEcho(t);
  await gone.close();
  const port = await freePort();
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`remote:${port}:127.0.0.1:${gone.port}`] } });
  await relays.reach('r', 'connected');
  t.equal(await fate(await dial(port)), 'end');
  const told = await relays.next('it is told', (event) => event.type === 'connection.refused');
  t.match(told, { fault: { code: 'TARGET_REFUSED', message: /of this machine/ } });
  t.match(relays.status('r').counters, { refused: 1, refusedBy: { TARGET_REFUSED: 1 } });
});

test('of two lanes one listens; the other takes over with its link', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const port = await freePort();
  const relays = await supervise(t, sshd, {
    r: { host: 'test', lanes: 2, forwards: [`remote:${port}:127.0.0.1:${echo.port}`] },
  });
  await relays.reach('r', 'connected');
  await waitUntil('both lanes', () => relays.status('r').lanes.every(({ state }) => state.at === 'up'));
  const first = relays.status('r').forwards[0]?.boundBy ?? -1;
  const after = relays.events.length;
  process.kill(relays.worker('r', first), 'SIGKILL');
  const bound = await relays.next('the other listens', (event) => event.type === 'remote.bound', after);
  t.match(bound, { lane: 1 - first, listen: { port } });
  t.equal((await exchange(port, 'still here')).toString(), 'still here');
});

test('plugins admit and wrap the clients of the other side', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const port = await freePort();
  const dir = makeTemp(t, 'plugin');
  const plugin = join(dir, 'plugin.mjs');
  writeFileSync(
    plugin,
    `import { Transform } from 'node:stream';
export default { name: 'p', api: 1, relay: () => ({
  admit: ({ from, to }) => (from !== null && to?.port === ${port} ? true : 'who?'),
  wrap: (stream) => stream,
}) };`,
    { mode: 0o600 },
  );
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`remote:${port}:127.0.0.1:${echo.port}`], plugins: [{ use: plugin }] },
  });
  await relays.reach('r', 'connected');
  t.equal((await exchange(port, 'admitted')).toString(), 'admitted');
});

test('relays that share a link have listeners of their own, and the end of one leaves the other', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const sink = await startSink(t);
  const [one, two] = [await freePort(), await freePort()];
  const relays = await supervise(t, sshd, {
    a: { host: 'test', isolation: 'shared', forwards: [`remote:${one}:127.0.0.1:${echo.port}`] },
    b: { host: 'test', isolation: 'shared', forwards: [`remote:${two}:127.0.0.1:${sink.port}`] },
  });
  await Promise.all([relays.reach('a', 'connected'), relays.reach('b', 'connected')]);
  t.equal(relays.worker('a'), relays.worker('b'));
  t.equal((await exchange(one, 'a')).toString(), 'a');
  const open = await dial(two);
  open.write('half');
  const before = await dial(one);
  before.write('x');
  await once(before, 'data');
  const cut = fate(before);
  await relays.supervisor.stopRelay('a');
  t.equal(await within('the end of what a had open', cut), 'end');
  t.equal(await fateOf(one), 'ECONNREFUSED');
  open.end('whole');
  t.equal((await readAll(open)).toString(), createHash('sha256').update('halfwhole').digest('hex'));
});

test('a relay that is given up resets the targets of its clients, and refuses at once who had none yet; the link stays', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const [port, other] = [await freePort(), await freePort()];
  const dir = makeTemp(t, 'plugin');
  const [plugin, asked] = [join(dir, 'gate.mjs'), join(dir, 'asked')];
  // The first one is let in, the second one is never answered.
  writeFileSync(
    plugin,
    `import { writeFileSync } from 'node:fs';
let count = 0;
export default { name: 'gate', relay: () => ({
  admit: () => (count += 1) === 1 || (writeFileSync(${JSON.stringify(asked)}, ''), new Promise(() => 0)),
}) };`,
    { mode: 0o600 },
  );
  const plugins = [{ use: plugin, deadlines: { admit: '60s' } }];
  const shared = { host: 'test', isolation: 'shared', drain: '0s' };
  const relays = await supervise(t, sshd, {
    a: { ...shared, forwards: [`remote:${port}:127.0.0.1:${echo.port}`], plugins },
    b: { ...shared, forwards: [`remote:${other}:127.0.0.1:${echo.port}`] },
  });
  await Promise.all([relays.reach('a', 'connected'), relays.reach('b', 'connected')]);
  const came = echo.nextConnection();
  const joined = await dial(port);
  t.teardown(() => joined.destroy());
  joined.write('half of it');
  await once(joined, 'data');
  const cut = fate(await within('the connection', came));
  const waiting = await dial(port);
  const refused = fate(waiting);
  await waitUntil('it is asked whether it may come', () => existsSync(asked));
  await relays.supervisor.stopRelay('a');
  t.equal(await within('the cut at the target', cut, 5_000), 'ECONNRESET');
  await within('the end of who waits', refused, 5_000);
  t.equal((await exchange(other, 'b lives')).toString(), 'b lives');
  t.equal(sshd.log().match(/Accepted publickey/g)?.length, 1, 'over the one link');
});

test('another number of connections counts for clients of the other side at once, and in the next worker', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const port = await freePort();
  const r = { host: 'test', connections: 1, forwards: [`remote:${port}:127.0.0.1:${echo.port}`] };
  const relays = await supervise(t, sshd, { r });
  await relays.reach('r', 'connected');
  const open = async () => {
    const client = await dial(port);
    t.teardown(() => client.destroy());
    client.write('x');
    await once(client, 'data');
  };
  await open();
  t.equal(await fate(await dial(port)), 'end');
  await relays.next(
    'it is told',
    (event) => event.type === 'connection.refused' && event.fault.code === 'CONNECTIONS_FULL',
  );
  const worker = relays.worker('r');
  t.match(await relays.reload({ r: { ...r, connections: 3 } }), { changed: ['r'], ended: [] });
  t.equal((await exchange(port, 'one more')).toString(), 'one more');
  t.equal(relays.worker('r'), worker);
  const after = relays.events.length;
  process.kill(worker, 'SIGKILL');
  await relays.next('it listens again', (event) => event.type === 'remote.bound', after);
  for (let count = 0; count < 3; count += 1) await open();
  t.equal(await fate(await dial(port)), 'end', 'three, and no more');
});
