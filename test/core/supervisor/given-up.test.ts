import { once } from 'node:events';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange, fate } from '../../fixtures/client.ts';
import { startFullTarget } from '../../fixtures/full-target.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

// A client that is given up while a worker has it, which dials its target: the worker's copy of its socket must go too.

// Whether it answers is asked too: the relay never says that it is connected.
const isUp = (event: Event) => event.type === 'lane.changed' && event.relay === 'r' && event.state.at === 'up';
const slow = { deadlines: { open: '60s' }, isolation: 'shared' };

test('a client whose time runs out while a worker dials its target is reset there and then, and never served', async (t) => {
  const sshd = await startSshd(t);
  const [full, echo] = [await startFullTarget(t), await startEcho(t)];
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${full.port}`], hold: { time: '3s' }, ...slow },
    other: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], ...slow },
  });
  await relays.reach('other', 'connected');
  await relays.next('the first link', isUp);
  const pid = relays.worker('r');
  const client = await dial(relays.port('r'));
  t.teardown(() => client.destroy());
  client.write('late');
  const ended = fate(client);
  // Its clock rests while a worker has it, but for one who was handed over in vain again and again.
  for (let times = 0; times < 4; times += 1) {
    await waitUntil('it is handed over', () => relays.status('r').counters.open === 1);
    const from = relays.supervisor.status().id;
    sshd.killSessions();
    await relays.next('the next link', isUp, from);
  }
  const beside = await dial(relays.port('other'));
  t.teardown(() => beside.destroy());
  const told = await relays.next('it is given up', (event) => event.type === 'connection.refused');
  t.match(told, { relay: 'r', fault: { code: 'HOLD_EXPIRED' }, count: 1 });
  t.equal(await within('its reset', ended, 5_000), 'ECONNRESET');
  full.resume();
  // What was dialed for it comes to nothing.
  t.equal(String(await exchange(relays.port('other'), 'another relay')), 'another relay');
  const answer = once(beside, 'data');
  beside.write('the same worker');
  t.equal(String((await within('its answer', answer))[0]), 'the same worker');
  t.equal(relays.worker('r'), pid);
  t.match(relays.status('r').counters, { open: 0, refused: 1, refusedBy: { HOLD_EXPIRED: 1 } });
  t.same(full.words(), []);
});

test('a client whose forward is taken out of the config while a worker dials its target is reset there and then', async (t) => {
  const sshd = await startSshd(t);
  const [full, echo] = [await startFullTarget(t), await startEcho(t)];
  const kept = `0:127.0.0.1:${echo.port}`;
  const r = { host: 'test', hold: { time: '60s' }, drain: '60s', ...slow };
  const other = { host: 'test', forwards: [kept], ...slow };
  const both = { ...r, forwards: [kept, `0:127.0.0.1:${full.port}`] };
  const relays = await supervise(t, sshd, { r: both, other });
  await relays.reach('other', 'connected');
  await relays.next('the link', isUp);
  const pid = relays.worker('other');
  const client = await dial(relays.port('r', 1));
  t.teardown(() => client.destroy());
  const ended = fate(client);
  await waitUntil('it is handed over', () => relays.status('r').counters.open === 1);
  await relays.reload({ r: { ...r, forwards: [kept] }, other });
  t.equal(await within('its reset', ended, 5_000), 'ECONNRESET');
  // The lane before drains: nobody is left whom it would wait for.
  await relays.reach('r', 'connected', 10_000);
  t.equal(String(await exchange(relays.port('r'), 'the other forward')), 'the other forward');
  await waitUntil('nobody is left', () => relays.status('r').counters.open === 0);
  t.match(relays.status('r').counters, { refusedBy: { RELAY_STOPPED: 1 } });
  t.equal(relays.worker('other'), pid);
});
