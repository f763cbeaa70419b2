import tap, { test } from 'tap';
import { noNamespaces } from '../fixtures/namespace.ts';
import { leftUp, startScene } from './link-scene.ts';
import { clock, measured } from './measure.ts';

// How soon a dead peer is found where nobody waits for it: the times that README and status promise, whole.
tap.jobs = 2;

for (const [name, keepalive, least, most] of [
  ['21 s by the default keepalive', null, 14_500, 21_000],
  ['4.2 s by `fast`', 'fast', 2_900, 4_200],
] as const) {
  test(`F07: a black hole of an idle link is found within ${name}`, {
    buffered: true,
    skip: noNamespaces,
  }, async (t) => {
    const { relays, namespace, to, from } = await startScene(t, { keepalive });
    await relays.reach('r', 'connected');
    const at = relays.events.length;
    await namespace.rules(`${to} -j DROP`, `${from} -j DROP`);
    const since = clock();
    const loss = await relays.next('the loss', leftUp, at, 40_000);
    const detect = since();
    measured(t, 'F07', { keepalive: keepalive ?? '5sx3', idle: 'yes', detect });
    // Its last byte came before the hole, by an interval at most.
    t.ok(detect > least && detect < most, `${detect}`);
    t.match((await relays.status('r')).standing, { word: 'reconnecting' });
    t.match(loss, { relay: 'r' });
  });
}
