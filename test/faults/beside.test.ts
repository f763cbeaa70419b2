import { once } from 'node:events';
import tap, { test } from 'tap';
import { dial, exchange, fate } from '../fixtures/client.ts';
import { noNamespaces } from '../fixtures/namespace.ts';
import { within } from '../fixtures/wait.ts';
import { leftUp, startScene } from './link-scene.ts';
import { clock, measured } from './measure.ts';
import { sleep } from './sleeper.ts';

// Make before break, where it is the network that goes. Each in a network of its own.
tap.jobs = 3;
const parallel = () => ({ buffered: true, skip: noNamespaces });

test(
  'F25: in ten freezes no link is lost or replaced, and the first byte after each comes at once',
  parallel(),
  async (t) => {
    const { relays, echo, sshd } = await startScene(t, { keepalive: { interval: '1s', count: 1 } });
    await relays.reach('r', 'connected');
    const open = await dial(echo);
    t.teardown(() => open.destroy());
    const at = relays.events.length;
    let slowest = 0;
    for (let night = 1; night <= 10; night += 1) {
      const wake = sleep(t, relays);
      open.write(`night ${night}`);
      await new Promise((resolve) => setTimeout(resolve, 2_300)); // longer than the keepalive allows
      const answer = once(open, 'data');
      const since = clock();
      wake();
      t.equal(String((await within('what was said in sleep', answer))[0]), `night ${night}`);
      t.equal(String(await exchange(echo, 'good morning')), 'good morning');
      slowest = Math.max(slowest, since());
    }
    t.same(
      relays.events.slice(at).filter((event) => leftUp(event) || event.type === 'link.doubted'),
      [],
    );
    t.equal(sshd.log().match(/Accepted publickey/g)?.length, 1);
    measured(t, 'F25', { sleep: '2.3s', nights: '10', slowest, lost: '0' });
    t.ok(slowest < 1_000, `${slowest}`);
  },
);

test(
  'F27: a link that the network forgot in our sleep is replaced within three seconds of the wake',
  parallel(),
  async (t) => {
    const { relays, echo, namespace, sshd, to, from } = await startScene(t);
    await relays.reach('r', 'connected');
    const open = await dial(echo);
    t.teardown(() => open.destroy());
    // It is joined over the first link by now.
    open.write('x');
    t.equal(String((await once(open, 'data'))[0]), 'x');
    const at = relays.events.length;
    const wake = sleep(t, relays);
    // As a router does that knows only new flows.
    const flows = await namespace.run('ss', '-Htn', 'state', 'established', 'dport', '=', `:${sshd.port}`);
    const flow = /127\.0\.0\.1:(\d+) +127\.0\.0\.1:/.exec(flows)?.[1];
    t.ok(Number(flow) > 0, flows);
    await namespace.rules(`${to} --sport ${flow} -j DROP`, `${from} --dport ${flow} -j DROP`);
    await new Promise((resolve) => setTimeout(resolve, 3_500)); // the sleep itself
    const since = clock();
    wake();
    await relays.next('the wake', (event) => event.type === 'machine.woke', at);
    t.equal(String(await exchange(echo, 'good morning')), 'good morning');
    const serve = since();
    await relays.next('the second link', (event) => event.type === 'link.replaced', at);
    t.same(relays.events.slice(at).filter(leftUp), []);
    measured(t, 'F27', { sleep: '3.5s', forgotten: 'yes', serve });
    t.ok(serve < 3_000, `${serve}`);
    // Who was joined over the first one is cut when that counts as dead, a whole detect time after the wake.
    t.equal(await within('its end', fate(open), 30_000), 'end', 'a Unix socket has no reset');
    const cut = since();
    t.ok(cut > 19_000 && cut < 23_500, `${cut}`);
    await relays.reach('r', 'connected');
  },
);

test(
  'a black hole of the default keepalive is found in half its time, and the second link waits for the way',
  parallel(),
  async (t) => {
    const { relays, echo, namespace, to, from } = await startScene(t);
    await relays.reach('r', 'connected');
    const at = relays.events.length;
    const mend = await namespace.rules(`${to} -j DROP`, `${from} -j DROP`);
    const since = clock();
    await relays.next('the doubt', (event) => event.type === 'link.doubted', at);
    const detect = since();
    await mend();
    const back = clock();
    t.equal(String(await exchange(echo, 'x')), 'x');
    const recover = back();
    t.same(relays.events.slice(at).filter(leftUp), []);
    measured(t, 'F07', { keepalive: '5sx3', doubted: detect, recover });
    t.ok(detect < 13_500, `${detect}`);
    t.ok(recover < 4_000, `${recover}`);
  },
);
