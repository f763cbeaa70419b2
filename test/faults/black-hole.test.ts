import { once } from 'node:events';
import tap, { test } from 'tap';
import type { Event } from '../../src/core/model/event.ts';
import { dial, exchange } from '../fixtures/client.ts';
import { noNamespaces } from '../fixtures/namespace.ts';
import { residentSize } from '../fixtures/process-tree.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { type LinkScene, leftUp, linked, startScene, waits } from './link-scene.ts';
import { clock, measured } from './measure.ts';

// What a firewall or a router does to a link; each in a network of its own.
tap.jobs = 5;
// A new object each time: tap writes into it.
const parallel = () => ({ buffered: true, skip: noNamespaces });
const brisk = { keepalive: { interval: '1s', count: 3 } };

const holes: Readonly<Record<string, readonly [string, (scene: LinkScene) => readonly string[]]>> = {
  F07: ['a black hole', ({ to, from }) => [`${to} -j DROP`, `${from} -j DROP`]],
  F09: ['a loss of all that comes in', ({ from }) => [`${from} -j DROP`]],
  F10: ['a loss of all that goes out', ({ to }) => [`${to} -j DROP`]],
};

for (const [row, [name, rules]] of Object.entries(holes)) {
  test(
    `${row}: ${name} is found by the keepalive, who comes is held, and is served when it is over`,
    parallel(),
    async (t) => {
      const scene = await startScene(t, brisk);
      const { relays, echo } = scene;
      await relays.reach('r', 'connected');
      const at = relays.events.length;
      const since = clock();
      const mend = await scene.namespace.rules(...rules(scene));
      await relays.next('the loss', leftUp, at);
      const detect = since();
      t.match(await relays.status('r'), {
        standing: { word: 'reconnecting' },
        lastFault: { code: 'LINK_SILENT', message: /no answer from .* for [34] s/ },
      });
      const held = exchange(echo, 'patient', 30_000);
      await waitUntil('it is held', async () => (await relays.status('r')).counters.held === 1);
      await mend();
      const back = clock();
      t.equal(String(await held), 'patient');
      measured(t, row, { keepalive: '1sx3', detect, recover: back() });
      t.ok(detect > 2_900 && detect < 5_000, `${detect}`);
      t.ok(back() < 7_500, `${back()}`);
      await relays.reach('r', 'connected');
    },
  );
}

test('F08: a black hole under load is found as soon, and the writer waits: nothing piles up', parallel(), async (t) => {
  const { relays, namespace, sink, to, from, echo } = await startScene(t, brisk);
  const status = await relays.reach('r', 'connected');
  const worker = status.lanes[0]?.pid ?? 0;
  const writer = await dial(sink);
  t.teardown(() => writer.destroy());
  const chunk = Buffer.alloc(64 * 1024, 7);
  // 64 KB each 5 ms, and no more than the socket takes.
  const load = setInterval(() => writer.writableNeedDrain || writer.destroyed || writer.write(chunk), 5);
  t.teardown(() => clearInterval(load));
  await waitUntil('bytes flow', async () => (await relays.status('r')).counters.sent > 2_000_000);
  const size = residentSize(worker);
  const at = relays.events.length;
  const since = clock();
  const mend = await namespace.rules(`${to} -j DROP`, `${from} -j DROP`);
  await relays.next('the loss', leftUp, at);
  const detect = since();
  const grown = (residentSize(worker) - size) / 1024 / 1024;
  await mend();
  const back = clock();
  t.equal(String(await exchange(echo, 'again', 30_000)), 'again');
  measured(t, 'F08', { keepalive: '1sx3', detect, recover: back(), grown: `${grown.toFixed(1)}MiB` });
  t.ok(detect > 2_900 && detect < 5_500, `${detect}`);
  t.ok(grown < 48, `${grown} MiB`);
  await waitUntil('the writer is cut', () => writer.destroyed || writer.readableEnded);
});

test(
  'F11: a connect into a black hole ends after 5 s with its name, and the next one serves',
  parallel(),
  async (t) => {
    let mend: () => Promise<void> = async () => undefined;
    const since = clock();
    const { relays, echo } = await startScene(
      t,
      {},
      {
        before: async ({ namespace, to }) => {
          mend = await namespace.rules(`${to} -j DROP`);
        },
      },
    );
    const stages = await relays.next('the connect', (event) => event.type === 'lane.advanced' && event.stage === 'tcp');
    const waiting = await relays.next('a wait', waits);
    t.match(waiting, {
      state: {
        fault: { code: 'CONNECT_TIMEOUT', message: /cannot connect to 127\.0\.0\.1:\d+: no answer within 5 s/ },
      },
    });
    const detect = waiting.at - stages.at;
    await mend();
    const back = clock();
    t.equal(String(await exchange(echo, 'x', 30_000)), 'x');
    measured(t, 'F11', { detect, recover: back(), whole: since() });
    t.ok(detect > 4_800 && detect < 6_000, `${detect}`);
    t.ok(back() < 7_500, `${back()}`);
  },
);

test('F12: a reset by a firewall is noticed with the first packet that meets it', parallel(), async (t) => {
  const { relays, namespace, to, echo } = await startScene(t);
  await relays.reach('r', 'connected');
  const open = await dial(echo);
  t.teardown(() => open.destroy());
  const at = relays.events.length;
  const mend = await namespace.rules(`${to} -j REJECT --reject-with tcp-reset`);
  const since = clock();
  open.write('x');
  await relays.next('the loss', leftUp, at);
  const detect = since();
  const refused = (event: Event) =>
    event.type === 'lane.changed' && event.state.at === 'waiting' && event.state.fault.code === 'CONNECT_REFUSED';
  t.match(await relays.next('a refusal', refused, at), {
    state: { fault: { message: /nothing listens there, or a firewall/ } },
  });
  await mend();
  const back = clock();
  t.equal(String(await exchange(echo, 'x', 30_000)), 'x');
  measured(t, 'F12', { detect, recover: back() });
  t.ok(detect < 500, `${detect}`);
  t.ok(back() < 2_500, `${back()}`);
});

test('F13: a host that a router calls unreachable fails a connect at once, with the reason', parallel(), async (t) => {
  let mend: () => Promise<void> = async () => undefined;
  const { relays, echo } = await startScene(
    t,
    {},
    {
      before: async ({ namespace, to }) => {
        mend = await namespace.rules(`${to} -j REJECT --reject-with icmp-host-prohibited`);
      },
    },
  );
  const began = await relays.next('the connect', (event) => event.type === 'lane.advanced' && event.stage === 'tcp');
  const waiting = await relays.next('a wait', waits);
  t.match(waiting, {
    state: { fault: { code: 'CONNECT_FAILED', message: /cannot connect to 127\.0\.0\.1:\d+: .*EHOSTUNREACH/ } },
  });
  const detect = waiting.at - began.at;
  await mend();
  const back = clock();
  t.equal(String(await exchange(echo, 'x', 30_000)), 'x');
  measured(t, 'F13', { detect, recover: back() });
  t.ok(detect < 500, `${detect}`);
  t.ok(back() < 2_500, `${back()}`);
});

/** A router that forgets a quiet flow after 2 s, and passes nothing of a flow that it does not know. */
async function forgetful({ namespace, to, from }: Pick<LinkScene, 'namespace' | 'to' | 'from'>): Promise<void> {
  await namespace.rules(
    `${to} -m conntrack --ctstate INVALID -j DROP`,
    `${from} -m conntrack --ctstate INVALID -j DROP`,
  );
  const tracking = '/proc/sys/net/netfilter/nf_conntrack_tcp';
  await namespace.run('sh', '-c', `echo 0 >${tracking}_loose; echo 2 >${tracking}_timeout_established`);
}

test('F20: a router that forgets quiet flows meets none where the keepalive is quicker', parallel(), async (t) => {
  const { relays, echo } = await startScene(t, brisk, { before: forgetful });
  await relays.reach('r', 'connected');
  const at = relays.events.length;
  await new Promise((resolve) => setTimeout(resolve, 7_000)); // the silence of every client is the fault
  t.same(relays.events.slice(at).filter(leftUp), []);
  const since = clock();
  t.equal(String(await exchange(echo, 'still here')), 'still here');
  measured(t, 'F20', { forgets: '2s', keepalive: '1s', idle: '7s', answer: since() });
});

test('F20: a flow that was forgotten is replaced when a client comes, and it is served', parallel(), async (t) => {
  const { relays, echo } = await startScene(t, { keepalive: { interval: '60s', count: 3 } }, { before: forgetful });
  await relays.reach('r', 'connected');
  await new Promise((resolve) => setTimeout(resolve, 4_000)); // the silence is the fault
  const at = relays.events.length;
  const since = clock();
  t.equal(String(await exchange(echo, 'x', 30_000)), 'x');
  const serve = since();
  measured(t, 'F20', { forgets: '2s', keepalive: '60s', serve });
  t.ok(relays.events.slice(at).some(linked), 'by a new link');
  t.ok(serve < 7_500, `${serve}`);
});

test(
  'F21: large packets that are lost end the key exchange after 10 s with a word about the MTU',
  parallel(),
  async (t) => {
    let mend: () => Promise<void> = async () => undefined;
    const { relays, echo } = await startScene(
      t,
      {},
      {
        before: async ({ namespace }) => {
          mend = await namespace.rules('INPUT -p tcp -m length --length 1000: -j DROP');
        },
      },
    );
    const began = await relays.next(
      'the key exchange',
      (event) => event.type === 'lane.advanced' && event.stage === 'key exchange',
    );
    const waiting = await relays.next('a wait', waits);
    t.match(waiting, { state: { fault: { code: 'KEX_TIMEOUT', message: /large packets.*MTU/ } } });
    const detect = waiting.at - began.at;
    await mend();
    const back = clock();
    t.equal(String(await exchange(echo, 'x', 30_000)), 'x');
    measured(t, 'F21', { detect, recover: back() });
    t.ok(detect > 9_500 && detect < 11_500, `${detect}`);
  },
);

test('F22: an interface that is down for 6 s costs no link where the keepalive is slower', parallel(), async (t) => {
  const { relays, namespace, echo } = await startScene(t);
  await relays.reach('r', 'connected');
  const open = await dial(echo);
  t.teardown(() => open.destroy());
  open.write('hello');
  await once(open, 'data');
  const at = relays.events.length;
  await namespace.run('ip', 'link', 'set', 'lo', 'down');
  open.write('on the way');
  let heard = '';
  open.on('data', (chunk) => {
    heard += String(chunk);
  });
  await new Promise((resolve) => setTimeout(resolve, 6_000)); // the outage itself
  await namespace.run('ip', 'link', 'set', 'lo', 'up');
  const since = clock();
  await waitUntil('what was said meanwhile', () => heard === 'on the way');
  measured(t, 'F22', { outage: '6s', resume: since() });
  t.same(relays.events.slice(at).filter(leftUp), [], 'the old link');
});
