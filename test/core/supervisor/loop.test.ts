import { test } from 'tap';
import { exchange, fateOf } from '../../fixtures/client.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil } from '../../fixtures/wait.ts';

test('a forward to its own listener, on a host that is this machine, is told so and ends its circle; another forward is served', async (t) => {
  const [own, echo] = [await freePort(), await startEcho(t)];
  const forwards = [`${own}:127.0.0.1:${own}`, `0:127.0.0.1:${echo.port}`];
  const relays = await supervise(t, await startSshd(t), { r: { host: 'test', forwards } });
  const loops = (event: { type: string; fault?: unknown }) =>
    event.type === 'forward.judged' && JSON.stringify(event.fault).includes('TARGET_LOOP');
  await relays.next('it is found out', loops);
  await waitUntil('the circle has ended', () => relays.status('r').counters.open === 0);
  const { accepted } = relays.status('r').counters;
  t.match(relays.status('r').standing, {
    word: 'degraded',
    fault: {
      code: 'TARGET_LOOP',
      message: `test is this machine, and 127.0.0.1:${own} on it is the listener of r itself; give the forward another port to listen on`,
    },
  });
  t.equal(await fateOf(own), 'ECONNRESET');
  t.equal(String(await exchange(relays.port('r', 1), 'served')), 'served');
  await waitUntil('nobody is left', () => relays.status('r').counters.open === 0);
  t.equal(relays.status('r').counters.accepted, accepted + 2, 'nobody else came');
});
