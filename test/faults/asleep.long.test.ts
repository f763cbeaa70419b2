import { once } from 'node:events';
import tap, { test } from 'tap';
import { dial, exchange } from '../fixtures/client.ts';
import { noNamespaces } from '../fixtures/namespace.ts';
import { within } from '../fixtures/wait.ts';
import { leftUp, startScene } from './link-scene.ts';
import { clock, measured } from './measure.ts';
import { sleep } from './sleeper.ts';

tap.setTimeout(1_500_000);

for (const keepalive of ['fast', null] as const) {
  const name = keepalive ?? 'the default';
  test(`F25: in 50 freezes nothing is lost or replaced (keepalive: ${name})`, {
    skip: noNamespaces,
    buffered: true,
  }, async (t) => {
    const { relays, echo, sshd } = await startScene(t, { keepalive });
    await relays.reach('r', 'connected');
    const open = await dial(echo);
    t.teardown(() => open.destroy());
    const at = relays.events.length;
    let slowest = 0;
    for (let night = 1; night <= 50; night += 1) {
      const wake = sleep(t, relays);
      open.write(`night ${night}`);
      await new Promise((resolve) => setTimeout(resolve, keepalive === 'fast' ? 6_000 : 15_000)); // the sleep itself
      const answer = once(open, 'data');
      const since = clock();
      wake();
      t.equal(String((await within('what was said in sleep', answer))[0]), `night ${night}`);
      t.equal(String(await exchange(echo, 'good morning')), 'good morning');
      slowest = Math.max(slowest, since());
    }
    const losses = relays.events.slice(at).filter((event) => leftUp(event) || event.type === 'link.doubted');
    t.same(losses, []);
    t.equal(sshd.log().match(/Accepted publickey/g)?.length, 1);
    measured(t, 'F25', { nights: '50', keepalive: String(name), slowest, killed: String(losses.length) });
    t.ok(slowest < 1_000, `${slowest}`);
  });
}
