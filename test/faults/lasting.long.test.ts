import tap, { test } from 'tap';
import { startEcho } from '../fixtures/backend.ts';
import { exchange } from '../fixtures/client.ts';
import { noNamespaces } from '../fixtures/namespace.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import type { Owner } from '../fixtures/temp.ts';
import { isFar, isFull, losesMuch, losesSome } from './bad-roads.ts';
import { linked, shaken } from './link-scene.ts';
import { clock, measured } from './measure.ts';

// What the normal tests have in a short form, in its full length; all at once, for most of it is waiting.
tap.jobs = 8;
/** Shorter by TOWLINE_TEST_MINUTE, ms, for whoever writes one of these. */
const minute = Number(process.env['TOWLINE_TEST_MINUTE'] ?? 60_000);
const pass = (time: number) => new Promise((resolve) => setTimeout(resolve, time));

async function up(t: Owner, over: object = {}) {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], ...over } });
  await relays.reach('r', 'connected');
  return { sshd, relays, port: relays.port('r') };
}

test('F05: sshd that is down for 10 min is back within 2 s of its return', {
  buffered: true,
  timeout: 20 * minute,
}, async (t) => {
  const { sshd, relays, port } = await up(t);
  await sshd.stop();
  await relays.reach('r', 'reconnecting');
  await pass(10 * minute);
  const again = relays.next('a new link', linked, relays.supervisor.status().id);
  await sshd.start();
  const since = clock();
  await again;
  const recover = since();
  measured(t, 'F05', { outage: '10min', recover });
  t.ok(recover < 2_200, `${recover}`);
  t.equal(String(await exchange(port, 'back')), 'back');
});

test(
  'F14: 10 min with a tenth of all packets lost each way cost no link',
  {
    buffered: true,
    timeout: 20 * minute,
    skip: noNamespaces,
  },
  (t) => losesSome(t, 10 * minute),
);

test(
  'F14: in 90 s with a third of all packets lost each way a link is given up for real silence only',
  {
    buffered: true,
    timeout: 20 * minute,
    skip: noNamespaces,
  },
  (t) => losesMuch(t, 1.5 * minute),
);

test(
  'F15: 10 min of 1 Mbit/s with a full pipe cost no link',
  {
    buffered: true,
    timeout: 20 * minute,
    skip: noNamespaces,
  },
  (t) => isFull(t, 10 * minute),
);

test('F16: 10 min of 500 ms +- 400 ms delay each way cost no link', { buffered: true, timeout: 20 * minute }, (t) =>
  isFar(t, 10 * minute),
);

test('F31: a quarter of an hour without a word costs no link', { buffered: true, timeout: 25 * minute }, async (t) => {
  const { relays, port, sshd } = await up(t);
  const { id } = relays.supervisor.status();
  await pass(15 * minute);
  t.same(
    relays.events.filter((event) => event.id > id && shaken(event)),
    [],
  );
  t.equal(String(await exchange(port, 'still here')), 'still here');
  t.equal(sshd.log().match(/Accepted publickey/g)?.length, 1);
  measured(t, 'F31', { idle: '15min', lost: '0' });
});
