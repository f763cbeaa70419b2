import { once } from 'node:events';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange, fate, readAll } from '../../fixtures/client.ts';
import { startFullTarget } from '../../fixtures/full-target.ts';
import { type Sshd, startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

// A SOCKS client is read before it has a channel: it cannot go back to the supervisor when its link ends, or says nothing any more.

const greeting = Buffer.from([5, 1, 0]);
const request = (port: number) => Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]);
const granted = Buffer.from([5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);

async function begin(t: Owner, over: object = {}) {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const forwards = ['dynamic:0', `0:127.0.0.1:${echo.port}`];
  const relay = (more: object) => ({ host: 'test', forwards, hold: { time: '30s' }, ...more });
  const relays = await supervise(t, sshd, { r: relay(over) });
  await relays.reach('r', 'connected');
  return { sshd, echo, relays, relay, port: relays.port('r'), beside: relays.port('r', 1) };
}

/** Stops the sessions that there are, and wakes them when the test ends. */
function freeze(t: Owner, sshd: Sshd): { readonly pids: readonly number[]; thaw(): void } {
  const pids = sshd.freezeSessions();
  const thaw = () => {
    for (const pid of pids) if (sshd.sessions().includes(pid)) process.kill(pid, 'SIGCONT');
  };
  t.teardown(thaw);
  return { pids, thaw };
}

const leftUp = (event: Event) => event.type === 'lane.changed' && event.state.at !== 'up';

test('a SOCKS client whose link does not answer goes over the second one, and keeps nothing of the first', async (t) => {
  const { sshd, echo, relays, port } = await begin(t);
  const from = relays.supervisor.status().id;
  const { pids, thaw } = freeze(t, sshd);
  const client = await dial(port);
  const answer = readAll(client);
  client.end(Buffer.concat([greeting, request(echo.port), Buffer.from('over the second')]));
  t.same(await within('its answer', answer, 15_000), Buffer.concat([granted, Buffer.from('over the second')]));
  t.ok(relays.events.some(({ id, type }) => id > from && type === 'link.replaced'));
  t.same(
    relays.events.filter((event) => event.id > from && leftUp(event)),
    [],
    'the first one had not ended',
  );
  thaw();
  await waitUntil('nobody holds the first one', () => !sshd.sessions().some((pid) => pids.includes(pid)));
});

test('a SOCKS client that says where to only when its link was replaced goes over the new one', async (t) => {
  const { sshd, echo, relays, port, beside } = await begin(t);
  const from = relays.supervisor.status().id;
  const client = await dial(port);
  client.write(greeting);
  t.same((await once(client, 'data'))[0], Buffer.from([5, 0]));
  const { pids, thaw } = freeze(t, sshd);
  t.equal(String(await exchange(beside, 'beside')), 'beside');
  await relays.next('the second link', ({ type }) => type === 'link.replaced', from);
  const first = once(client, 'data');
  client.write(request(echo.port));
  t.same((await within('its answer', first, 5_000))[0], granted.subarray(2));
  thaw();
  await waitUntil('nobody holds the first one', () => !sshd.sessions().some((pid) => pids.includes(pid)));
  const answer = readAll(client);
  client.end('late');
  t.equal(String(await within('the rest', answer)), 'late');
});

test('a SOCKS client is told that the network is out of reach where no link answers in time', async (t) => {
  const { sshd, echo, relays, relay, port } = await begin(t);
  // It counts for whoever comes from now on.
  await relays.reload({ r: relay({ hold: { time: '1s' } }) });
  const from = relays.supervisor.status().id;
  sshd.pause();
  t.teardown(() => sshd.resume());
  const client = await dial(port);
  const told = readAll(client);
  client.write(Buffer.concat([greeting, request(echo.port)]));
  t.same([...(await within('the reply', told, 15_000))], [5, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0]);
  t.same(
    relays.events.filter((event) => event.id > from && leftUp(event)),
    [],
    'it did not wait for the end of the link',
  );
  const refused = await relays.next('it is told', ({ type }) => type === 'connection.refused', from);
  t.match(refused, { forward: 0, fault: { code: 'HOLD_EXPIRED', message: /waited 1 s in vain for a link/ } });
  await waitUntil('the counts', () => relays.status('r').counters.open === 0);
  client.destroy();
});

test('a link that answers after all takes the SOCKS client that waited for another one', async (t) => {
  const { sshd, echo, relays, port } = await begin(t, { deadlines: { open: '30s' } });
  const from = relays.supervisor.status().id;
  sshd.pause();
  t.teardown(() => sshd.resume());
  const client = await dial(port);
  const answer = readAll(client);
  client.end(Buffer.concat([greeting, request(echo.port), Buffer.from('as before')]));
  await relays.next('the doubt', ({ type }) => type === 'link.doubted', from);
  // Its sessions wake, the listener does not: no second link can be made.
  for (const pid of sshd.sessions()) process.kill(pid, 'SIGCONT');
  t.same(await within('its answer', answer), Buffer.concat([granted, Buffer.from('as before')]));
  t.notOk(relays.events.some(({ id, type }) => id > from && type === 'link.replaced'));
});

test('a relay that is stopped resets the SOCKS client that waits for a link', async (t) => {
  const { sshd, echo, relays, port } = await begin(t, { deadlines: { open: '60s' }, drain: '0s' });
  const from = relays.supervisor.status().id;
  sshd.pause();
  t.teardown(() => sshd.resume());
  const client = await dial(port);
  const cut = fate(client);
  client.write(Buffer.concat([greeting, request(echo.port)]));
  await relays.next('the doubt', ({ type }) => type === 'link.doubted', from);
  await within('the stop', relays.supervisor.stopRelay('r'), 10_000);
  t.equal(await within('the cut', cut, 5_000), 'ECONNRESET');
});

test('a SOCKS client whose link ends while its target is dialed goes over the next one, with what it has asked for', async (t) => {
  const { sshd, relays, port } = await begin(t, { deadlines: { open: '60s' } });
  const full = await startFullTarget(t);
  const client = await dial(port);
  t.teardown(() => client.destroy());
  let told = Buffer.alloc(0);
  client.on('data', (chunk: Buffer) => {
    told = Buffer.concat([told, chunk]);
  });
  client.write(Buffer.concat([greeting, request(full.port), Buffer.from('kept')]));
  await waitUntil('it was read', () => told.length === 2);
  const from = relays.supervisor.status().id;
  sshd.killSessions();
  await relays.next('the loss', leftUp, from);
  await relays.reach('r', 'connected');
  full.resume();
  await waitUntil('its target has it', () => full.words().length > 0);
  t.same(full.words(), ['kept'], 'once');
  t.same(told, granted);
  t.match(relays.status('r').counters, { open: 1, accepted: 1, refused: 0 });
});

test('a SOCKS client waits for longer than an open may take, beyond the end of the silent link, until the host is back', async (t) => {
  const over = { deadlines: { open: '1s' }, keepalive: { interval: '1s', count: 2 } };
  const { sshd, echo, relays, port } = await begin(t, over);
  const from = relays.supervisor.status().id;
  sshd.pause();
  t.teardown(() => sshd.resume());
  const client = await dial(port);
  const answer = readAll(client);
  client.end(Buffer.concat([greeting, request(echo.port), Buffer.from('back')]));
  await relays.next('the end of the link', leftUp, from);
  t.equal(relays.status('r').counters.open, 1, 'it is there');
  sshd.resume();
  t.same(await within('its answer', answer), Buffer.concat([granted, Buffer.from('back')]));
  t.equal(relays.status('r').counters.refused, 0);
});
