import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange, fate } from '../../fixtures/client.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

// Who is joined over a link that another one has replaced. When the relay is to end he may finish as all others may; when that link ends, nobody
// but he shows it.

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

/** A relay whose link was replaced by another, with a client over each, over the first one also `far` where the host is to listen `there`; `cut` loses the second link. */
async function replaced(t: Owner, there: number | null = null) {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const forwards = [`0:127.0.0.1:${echo.port}`, ...(there === null ? [] : [`remote:${there}:127.0.0.1:${echo.port}`])];
  const r = { host: 'test', forwards, hold: { time: '30s' }, drain: '30s' };
  const relays = await supervise(t, sshd, { r });
  await relays.reach('r', 'connected');
  const first = await stayer(t, relays.port('r'));
  const far = there === null ? null : await stayer(t, there);
  const old = sshd.freezeSessions();
  await exchange(relays.port('r'), 'beside');
  for (const pid of old) process.kill(pid, 'SIGCONT');
  await relays.reach('r', 'connected');
  const second = await stayer(t, relays.port('r'));
  const cut = () => {
    for (const pid of sshd.sessions()) if (!old.includes(pid)) process.kill(pid, 'SIGKILL');
  };
  /** The client over the old link goes on, and ends as it likes. */
  const finishes = async () => {
    first.socket.write('second ');
    await waitUntil('its bytes come back', () => first.said() === 'first second ');
    const ended = once(first.socket, 'end');
    first.socket.end('third');
    await within('its ordinary end', ended);
    return first.said();
  };
  return { sshd, relays, old, first, far, second, cut, finishes };
}

const isAt = (at: string) => (event: Event) => event.type === 'lane.changed' && event.state.at === at;

test('a relay that is stopped while it dials lets who is joined over a replaced link finish', async (t) => {
  const { sshd, relays, old, cut, finishes } = await replaced(t);
  const from = relays.supervisor.status().id;
  sshd.pause();
  t.teardown(() => sshd.resume());
  for (const pid of old) process.kill(pid, 'SIGCONT');
  cut();
  await relays.next('the loss', isAt('dialing'), from);
  const stopped = relays.supervisor.stopRelay('r');
  await relays.next('the drain', isAt('draining'), from);
  t.equal(await finishes(), 'first second third');
  await within('the stop, once nobody is joined any more', stopped, 10_000);
});

test('a relay that loses its link while it drains lets who is joined over a replaced one finish', async (t) => {
  const { relays, second, cut, finishes } = await replaced(t);
  const from = relays.supervisor.status().id;
  const stopped = relays.supervisor.stopRelay('r');
  await relays.next('the drain', isAt('draining'), from);
  const end = fate(second.socket);
  cut();
  t.equal(await end, 'ECONNRESET', 'the other one is cut, and sees that');
  t.equal(await finishes(), 'first second third');
  await within('the stop, once nobody is joined any more', stopped, 10_000);
});

test('the end of a link that was replaced is told by each client that it cuts, of either side, once', async (t) => {
  const there = await freePort();
  const { relays, old, first, far, second } = await replaced(t, there);
  const from = relays.supervisor.status().id;
  const [end, farEnd] = [fate(first.socket), far === null ? null : fate(far.socket)];
  for (const pid of old) process.kill(pid, 'SIGKILL');
  t.equal(await within('its end', end), 'ECONNRESET');
  await within('the end of the one there', farEnd ?? Promise.reject(new Error('nobody is there')));
  await waitUntil('both are told of', () => relays.status('r').counters.refused === 2);
  const message = /^a client was cut with the link .* another one had replaced \(.*\); it may connect again$/;
  const told = relays.events.filter(({ id }) => id > from);
  for (const forward of [0, 1]) {
    const mine = told.filter((event) => event.type === 'connection.refused' && event.forward === forward);
    t.match(mine, [{ fault: { code: 'LINK_LOST', message }, count: 1 }]);
    t.equal(mine.length, 1);
  }
  t.same(
    told.filter(({ type }) => type === 'lane.changed'),
    [],
    'the lane has nothing to tell',
  );
  t.match(relays.status('r').counters, { refusedBy: { LINK_LOST: 2 } });
  // Those of the other side are counted by what the worker tells now and then.
  await waitUntil('the other one alone is left', () => relays.status('r').counters.open === 1);
  second.socket.write('second');
  await waitUntil('the other one goes on', () => second.said() === 'first second');
});

test('the end of the link that serves is told by its lane, not by those whom it cuts', async (t) => {
  const { relays, first, second, cut } = await replaced(t);
  const end = fate(second.socket);
  const from = relays.supervisor.status().id;
  cut();
  t.equal(await within('its end', end), 'ECONNRESET');
  await relays.next('the loss', isAt('dialing'), from);
  await relays.reach('r', 'connected');
  first.socket.write('second');
  await waitUntil('the one over the first link goes on', () => first.said() === 'first second');
  t.equal(relays.status('r').counters.refused, 0);
});
