import { once } from 'node:events';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange, fate, readAll } from '../../fixtures/client.ts';
import { type Sshd, startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

// A SOCKS client is read before it has a channel: it cannot go back to the supervisor when its link says nothing any more.

const greeting = Buffer.from([5, 1, 0]);
const request = (port: number) => Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]);
const granted = Buffer.from([5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);

async function begin(t: Owner, over: object = {}) {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const forwards = ['dynamic:0', `0:127.0.0.1:${echo.port}`];
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards, hold: { time: '30s' }, ...over } });
  await relays.reach('r', 'connected');
  return { sshd, echo, relays, port: relays.port('r'), beside: relays.port('r', 1) };
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
  const { sshd, echo, relays, port } = await begin(t, { deadlines: { open: '1s' } });
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
  t.match(refused, { forward: 0, fault: { code: 'LINK_SILENT', message: /no link answered within 1 s/ } });
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
