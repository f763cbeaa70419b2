import tap, { test } from 'tap';
import { startEcho } from '../fixtures/backend.ts';
import { exchange } from '../fixtures/client.ts';
import { noNamespaces } from '../fixtures/namespace.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import type { Owner } from '../fixtures/temp.ts';
import { leftUp, linked, startScene } from './link-scene.ts';
import { clock, measured } from './measure.ts';
import { talk } from './talk.ts';

// What the normal tests have in a short form, in its full length; all at once, for most of it is waiting.
tap.jobs = 6;
const minute = 60_000;
const pass = (time: number) => new Promise((resolve) => setTimeout(resolve, time));
const lossy = (probability: string) => `-m statistic --mode random --probability ${probability} -j DROP`;

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

for (const [name, probability, duration] of [
  ['10 min with a tenth', '.1', 10 * minute],
  ['90 s with a third', '.3', 1.5 * minute],
] as const) {
  test(`F14: ${name} of all packets lost each way cost no link`, {
    buffered: true,
    timeout: 20 * minute,
    skip: noNamespaces,
  }, async (t) => {
    const { relays, namespace, to, from, echo } = await startScene(t);
    await relays.reach('r', 'connected');
    const at = relays.events.length;
    await namespace.rules(`${to} ${lossy(probability)}`, `${from} ${lossy(probability)}`);
    const { count, median, longest } = await talk(echo, duration);
    t.same(relays.events.slice(at).filter(leftUp), []);
    measured(t, 'F14', { loss: probability, time: duration, trips: String(count), median, longest });
  });
}

test('F31: a quarter of an hour without a word costs no link', { buffered: true, timeout: 25 * minute }, async (t) => {
  const { relays, port, sshd } = await up(t);
  const { id } = relays.supervisor.status();
  await pass(15 * minute);
  t.same(
    relays.events.filter((event) => event.id > id && leftUp(event)),
    [],
  );
  t.equal(String(await exchange(port, 'still here')), 'still here');
  t.equal(sshd.log().match(/Accepted publickey/g)?.length, 1);
  measured(t, 'F31', { idle: '15min', lost: '0' });
});
