import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange } from '../../fixtures/client.ts';
import { endAll, runs, signalAll } from '../../fixtures/process-tree.ts';
import { type Sshd, startSshd } from '../../fixtures/sshd.ts';
import { type Supervised, supervise } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';
import { clock, measured } from '../../faults/measure.ts';

// The old link is dropped only when the new one is ready. What freezes is the session; the listener goes on.

interface Scene {
  readonly sshd: Sshd;
  readonly relays: Supervised;
  readonly port: number;
}

async function begin(t: Owner, over: object = {}): Promise<Scene> {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relay = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], hold: { time: '30s' }, ...over };
  const relays = await supervise(t, sshd, { r: relay });
  await relays.reach('r', 'connected');
  return { sshd, relays, port: relays.port('r') };
}

/** A client that stays; `said` is all that came back to it. */
async function stayer(t: Owner, port: number): Promise<{ readonly socket: Socket; readonly said: () => string }> {
  const socket = await dial(port);
  t.teardown(() => socket.destroy());
  let said = '';
  socket.on('data', (chunk) => {
    said += String(chunk);
  });
  socket.write('first ');
  await waitUntil('the first word', () => said === 'first ');
  return { socket, said: () => said };
}

const is = (type: Event['type']) => (event: Event) => event.type === type;
const leftUp = (event: Event) => event.type === 'lane.changed' && event.state.at !== 'up';
const logins = (sshd: Sshd) => sshd.log().match(/Accepted publickey/g)?.length ?? 0;

test('F03: while a session hangs a client is served over a second link, and who was there stays on the first', async (t) => {
  const { sshd, relays, port } = await begin(t);
  const { socket, said } = await stayer(t, port);
  const from = relays.supervisor.status().id;
  const frozen = sshd.freezeSessions();
  const since = clock();
  socket.write('second ');
  const answer = exchange(port, 'served beside');
  const { at: doubted } = await relays.next('the doubt', is('link.doubted'), from);
  t.match(relays.status('r').standing, {
    word: 'degraded',
    reason: /nothing was heard from .* for 3 s; a second link is made/,
  });
  t.equal(String(await answer), 'served beside');
  const serve = since();
  const { at: replaced } = await relays.next('the second link', is('link.replaced'), from);
  measured(t, 'F03', { keepalive: '5sx3', doubted: serve - (replaced - doubted), serve });
  t.ok(serve < 5_000, `${serve}`);
  await relays.reach('r', 'connected');
  t.equal(said(), 'first ', 'the old link hangs still');
  signalAll(frozen, 'SIGCONT');
  await waitUntil('its bytes come whole', () => said() === 'first second ');
  const ended = once(socket, 'end');
  socket.end('third');
  await within('its ordinary end', ended);
  t.equal(said(), 'first second third');
  t.same(
    relays.events.filter((event) => event.id > from && leftUp(event)),
    [],
    'the lane was up all the time',
  );
  t.equal(logins(sshd), 2);
  await waitUntil(
    'the old link is closed once nobody uses it',
    () => !sshd.sessions().some((pid) => frozen.includes(pid)),
  );
});

test('beside an upload that got stuck with its session a client is served over a second link too', async (t) => {
  const { sshd, relays, port } = await begin(t);
  const upload = await dial(port);
  t.teardown(() => upload.destroy());
  const pour = setInterval(() => upload.write(Buffer.alloc(64 * 1024)), 5);
  t.teardown(() => clearInterval(pour));
  upload.resume();
  let came = 0;
  upload.on('data', (chunk: Buffer) => {
    came += chunk.length;
  });
  await waitUntil('8 MiB are back', () => came > 8 * 1024 * 1024);
  const from = relays.supervisor.status().id;
  sshd.freezeSessions();
  const since = clock();
  t.equal(String(await exchange(port, 'served beside')), 'served beside');
  const serve = since();
  await relays.next('the second link', is('link.replaced'), from);
  measured(t, 'F08', { keepalive: '5sx3', serve });
  t.ok(serve < 6_000, `${serve}`);
});

test('an old link that answers before the new one is ready goes on, and nothing has changed for anybody', async (t) => {
  const { sshd, relays, port } = await begin(t);
  const { socket, said } = await stayer(t, port);
  const from = relays.supervisor.status().id;
  sshd.pause();
  t.teardown(() => sshd.resume());
  const answer = exchange(port, 'patient', 30_000);
  socket.write('second ');
  await relays.next('the doubt', is('link.doubted'), from);
  await relays.next('the second link', (event) => event.type === 'lane.advanced' && event.stage === 'greeting', from);
  // Its sessions wake, the listener does not: the second link cannot be made.
  for (const pid of sshd.sessions()) process.kill(pid, 'SIGCONT');
  await relays.next('the old link', is('link.answered'), from);
  t.equal(String(await answer), 'patient');
  await waitUntil('its bytes come whole', () => said() === 'first second ');
  const state = relays.status('r').lanes[0]?.state;
  t.match(state, { at: 'up', beside: null });
  t.equal(state?.at === 'up' ? state.vain.length : 0, 1, 'the next doubt has more patience');
  sshd.resume();
  t.equal(String(await exchange(port, 'as before')), 'as before');
  t.equal(logins(sshd), 1);
  t.same(
    relays.events.filter((event) => event.id > from && (leftUp(event) || event.type === 'link.replaced')),
    [],
  );
});

test('a link that is lost while the second one is dialed makes that the next attempt: no second login', async (t) => {
  const { sshd, relays, port } = await begin(t);
  const from = relays.supervisor.status().id;
  sshd.pause();
  t.teardown(() => sshd.resume());
  const answer = exchange(port, 'held', 30_000);
  await relays.next('the second link', (event) => event.type === 'lane.advanced' && event.stage === 'greeting', from);
  const held = relays.status('r').counters.held;
  sshd.killSessions();
  const lost = await relays.next('the loss', leftUp, from);
  t.match(lost, { state: { at: 'dialing', attempt: 1, before: true } });
  t.equal(held, 1);
  sshd.resume();
  t.equal(String(await answer), 'held');
  t.equal(logins(sshd), 2);
  t.equal(
    relays.events.filter(({ id, ...event }) => id > from && event.type === 'lane.advanced' && event.stage === 'tcp')
      .length,
    1,
    'one dial',
  );
});

test('a second link that fails leaves the first as it is, and is tried again', async (t) => {
  const { sshd, relays, port } = await begin(t);
  const from = relays.supervisor.status().id;
  const { socket, said } = await stayer(t, port);
  const frozen = sshd.freezeSessions();
  t.teardown(() => endAll(frozen));
  const { pid } = sshd;
  process.kill(pid, 'SIGTERM');
  const answer = exchange(port, 'held', 30_000);
  const failed = await relays.next(
    'a failure',
    (event) => event.type === 'lane.changed' && event.state.at === 'up' && event.state.beside?.at === 'waiting',
    from,
  );
  t.match(failed, { state: { beside: { fault: { code: 'CONNECT_REFUSED' }, tries: { of: 'soon', flaps: 0 } } } });
  t.match(relays.status('r').standing, {
    word: 'degraded',
    reason: /nothing was heard.*; that failed: cannot connect/,
  });
  await waitUntil('the listener is gone', () => !runs(pid));
  await sshd.start();
  t.equal(String(await answer), 'held');
  await relays.next('the second link', is('link.replaced'), from);
  signalAll(frozen, 'SIGCONT');
  socket.write('second');
  await waitUntil('the first link carries on', () => said() === 'first second');
});

test('with two lanes a client of one that hangs is handed to the other after a second', async (t) => {
  const { sshd, relays, port } = await begin(t, { lanes: 2 });
  await waitUntil('both lanes are up', () => relays.status('r').standing.reason.includes('lanes 2/2'));
  // Whose connection is whose is not known: each is frozen once, and one of them is that of the lane that clients go to.
  const took: number[] = [];
  for (const pid of sshd.connections()) {
    const from = relays.supervisor.status().id;
    // One that only starts the look at the host's name may have ended by now.
    signalAll(pid, 'SIGSTOP');
    const since = clock();
    t.equal(String(await exchange(port, 'handed on')), 'handed on');
    took.push(since());
    signalAll(pid, 'SIGCONT');
    await waitUntil('it is trusted', () =>
      relays.status('r').lanes.every(({ state }) => state.at === 'up' && state.beside === null),
    );
    t.same(
      relays.events.filter((event) => event.id > from && leftUp(event)),
      [],
    );
  }
  const slowest = Math.max(...took);
  measured(t, 'lanes=2', { hung: 'one session', slowest, other: Math.min(...took) });
  t.ok(slowest > 900 && slowest < 2_000, `${slowest}`);
});

test('with two lanes whose sessions both hang a client is served over a second link of either', async (t) => {
  for (const over of [{}, { keepalive: { interval: '1s', count: 3 } }]) {
    const { sshd, relays, port } = await begin(t, { lanes: 2, hold: { time: '10s' }, ...over });
    await waitUntil('both lanes', () => relays.status('r').lanes.every(({ state }) => state.at === 'up'));
    sshd.freezeSessions();
    const since = clock();
    const answers = await Promise.all(Array.from({ length: 5 }, (_, n) => exchange(port, `served ${n}`)));
    measured(t, 'F03', { lanes: 2, hung: 'both sessions', serve: since() });
    t.same(answers.map(String), ['served 0', 'served 1', 'served 2', 'served 3', 'served 4']);
    t.same(relays.status('r').counters.refusedBy, {});
    t.ok(since() < 6_000, `${since()}`);
  }
});

test('lanes that share a link that hangs replace it once', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relay = {
    host: 'test',
    forwards: [`0:127.0.0.1:${echo.port}`],
    isolation: 'shared',
    hold: { time: '30s' },
  };
  const relays = await supervise(t, sshd, { a: relay, b: relay, c: relay });
  for (const name of ['a', 'b', 'c']) await relays.reach(name, 'connected');
  t.equal(logins(sshd), 1);
  const frozen = sshd.freezeSessions();
  const since = clock();
  t.equal(String(await exchange(relays.port('b'), 'beside')), 'beside');
  const serve = since();
  for (const name of ['a', 'c']) {
    t.equal(String(await exchange(relays.port(name), name)), name);
    await relays.reach(name, 'connected');
  }
  measured(t, 'shared', { relays: '3', serve });
  t.equal(logins(sshd), 2, 'one login for all');
  // A stopped one does not see its end before it goes on.
  signalAll(frozen, 'SIGCONT');
  await waitUntil('the old one is closed', () => !sshd.sessions().some((pid) => frozen.includes(pid)));
});
