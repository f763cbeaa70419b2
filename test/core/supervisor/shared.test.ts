import { once } from 'node:events';
import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, fate } from '../../fixtures/client.ts';
import { signalAll } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

test('what the old lane of a restarted relay still says of its clients harms nobody who shares its worker', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relay = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], isolation: 'shared', drain: '0s' };
  const relays = await supervise(t, sshd, { a: relay, b: relay });
  for (const name of ['a', 'b']) await relays.reach(name, 'connected');
  const other = await dial(relays.port('b'));
  t.teardown(() => other.destroy());
  other.write('first');
  await within('its echo', once(other, 'data'));
  const from = relays.supervisor.status().id;
  const frozen = sshd.freezeSessions();
  t.teardown(() => signalAll(frozen, 'SIGCONT'));
  // Its channel is asked for over the link that both share, and the answer comes to a lane that has ended.
  const client = await dial(relays.port('a'));
  t.teardown(() => client.destroy());
  client.write('held');
  await waitUntil('it was handed over', () => relays.status('a').counters.open === 1);
  await relays.supervisor.restartRelay('a');
  signalAll(frozen, 'SIGCONT');
  const [answer] = await within('an answer', once(client, 'data'));
  t.equal(String(answer), 'held');
  await relays.reach('a', 'connected');
  other.write('second');
  const [second] = await within('the other relay', once(other, 'data'));
  t.equal(String(second), 'second');
  t.same(
    relays.events.filter((event) => event.id > from && event.type === 'worker.ended'),
    [],
  );
  client.end();
  t.equal(await within('its end', fate(client)), 'end');
});
