import { test } from 'tap';
import { ownListener } from '../../../src/core/worker/clients/loops.ts';
import { exchange, fateOf } from '../../fixtures/client.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil } from '../../fixtures/wait.ts';

test('only what is surely its own listener is taken for that', (t) => {
  const loops = (listen: string, target: string) => {
    const at = (host: string) => ({ kind: 'tcp', host, port: 8_787 }) as const;
    return ownListener({ kind: 'local', listen: at(listen), target: at(target), health: null }) !== null;
  };
  for (const [listen, target] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    ['0.0.0.0', '127.0.0.1'],
    ['::', '127.0.0.1'],
    ['::', '::1'],
  ] as const) {
    t.ok(loops(listen, target), `${listen} ${target}`);
  }
  for (const [listen, target] of [
    ['127.0.0.1', '::1'],
    ['127.0.0.1', '127.0.0.2'],
    ['127.0.0.1', 'localhost'],
    ['0.0.0.0', '::1'],
    ['0.0.0.0', '10.0.0.7'],
  ] as const) {
    t.notOk(loops(listen, target), `${listen} ${target}`);
  }
  t.end();
});

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
