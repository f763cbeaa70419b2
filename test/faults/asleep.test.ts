import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tap, { test } from 'tap';
import { dial, exchange } from '../fixtures/client.ts';
import { noNamespaces } from '../fixtures/namespace.ts';
import { makeTemp } from '../fixtures/temp.ts';
import { waitUntil, within } from '../fixtures/wait.ts';
import { leftUp, linked, startScene } from './link-scene.ts';
import { clock, measured } from './measure.ts';
import { sleep } from './sleeper.ts';

// The machine sleeps: daemon and workers do not run, the rest of the world does. Each in a network of its own.
tap.jobs = 4;
const parallel = () => ({ buffered: true, skip: noNamespaces });

test(
  'F25: five sleeps longer than the keepalive cost a link that is alive nothing, and no byte',
  parallel(),
  async (t) => {
    const { relays, echo } = await startScene(t, { keepalive: { interval: '1s', count: 1 } });
    await relays.reach('r', 'connected');
    const open = await dial(echo);
    t.teardown(() => open.destroy());
    const at = relays.events.length;
    let slowest = 0;
    for (let night = 1; night <= 5; night += 1) {
      const answer = once(open, 'data');
      const wake = sleep(t, relays);
      open.write(`night ${night}`);
      await new Promise((resolve) => setTimeout(resolve, 3_200)); // the sleep itself
      const since = clock();
      wake();
      t.equal(String((await within('what was said in sleep', answer))[0]), `night ${night}`);
      slowest = Math.max(slowest, since());
      t.equal(String(await exchange(echo, 'good morning')), 'good morning');
    }
    t.same(
      relays.events.slice(at).filter((event) => leftUp(event) || event.type === 'worker.ended'),
      [],
    );
    measured(t, 'F25', { sleep: '3.2s', nights: '5', keepalive: '1sx1', slowest, lost: '0' });
    t.ok(slowest < 1_000, `${slowest}`);
  },
);

test(
  'F26: a server that gave us up in our sleep is noticed at the wake, and who comes is served within a second',
  parallel(),
  async (t) => {
    const { relays, echo, sshd } = await startScene(
      t,
      {},
      { config: ['ClientAliveInterval 1', 'ClientAliveCountMax 2'] },
    );
    await relays.reach('r', 'connected');
    const at = relays.events.length;
    const wake = sleep(t, relays);
    await sshd.waitForLog(/Timeout, client not responding/);
    const since = clock();
    wake();
    await relays.next('the loss', leftUp, at);
    const detect = since();
    t.equal(String(await exchange(echo, 'good morning')), 'good morning');
    const serve = since();
    t.ok(relays.events.slice(at).some(linked));
    t.same(
      relays.events.slice(at).filter((event) => event.type === 'worker.ended'),
      [],
      'by the same worker',
    );
    measured(t, 'F26', { detect, serve });
    t.ok(serve < 1_000, `${serve}`);
  },
);

test(
  'F27: who comes after a wake without a network for 10 s is held, and served when it is back',
  parallel(),
  async (t) => {
    const { relays, echo, namespace, to, from } = await startScene(t);
    await relays.reach('r', 'connected');
    const at = relays.events.length;
    const wake = sleep(t, relays);
    const mend = await namespace.rules(`${to} -j DROP`, `${from} -j DROP`);
    await new Promise((resolve) => setTimeout(resolve, 3_500)); // the sleep itself
    wake();
    const client = exchange(echo, 'good morning', 40_000);
    await new Promise((resolve) => setTimeout(resolve, 10_000)); // the network is not there yet
    await mend();
    const since = clock();
    t.equal(String(await client), 'good morning');
    const serve = since();
    await relays.reach('r', 'connected');
    const lost = relays.events.slice(at).filter(leftUp).length;
    measured(t, 'F27', { sleep: '3.5s', dark: '10s', serve, replaced: lost === 0 ? 'no' : 'yes' });
    // A dial into silence asks after 1 and 3 s and is begun anew after 5.25 s: more than two seconds are between no two of these.
    t.ok(serve < 3_500, `${serve}`);
  },
);

/** Where Debian puts the library that gives a program another wall clock, whatever the machine is. */
function clockLibrary(): string {
  const found = readdirSync('/usr/lib')
    .map((folder) => `/usr/lib/${folder}/faketime/libfaketimeMT.so.1`)
    .find(existsSync);
  if (found === undefined) throw new Error('libfaketime is not installed; run `npm run setup`');
  return found;
}

const clockPlugin = (file: string) => `import { readFileSync } from 'node:fs';
const real = Date.now;
const shift = (text) => (/^[+-]\\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - real());
Date.now = () => real() + shift(readFileSync(${JSON.stringify(file)}, 'utf8').trim());
export default { name: 'clock', relay: () => ({}) };
`;

test('F28: a wall clock that jumps to and fro cuts nothing and storms nobody', parallel(), async (t) => {
  const file = join(makeTemp(t, 'clock'), 'time');
  const set = (offset: string) => writeFileSync(file, offset);
  set('+0');
  // Workers get no LD_PRELOAD from their daemon: theirs is set by a plugin.
  const plugin = join(makeTemp(t, 'plugin'), 'clock.mjs');
  writeFileSync(plugin, clockPlugin(file), { mode: 0o600 });
  const env = {
    LD_PRELOAD: clockLibrary(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    // What is measured by the monotonic clock must not notice.
    DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  const over = { keepalive: { interval: '1s', count: 2 }, plugins: [plugin] };
  const { relays, echo, sshd } = await startScene(t, over, { env });
  await relays.reach('r', 'connected');
  const open = await dial(echo);
  t.teardown(() => open.destroy());
  const at = relays.events.length;
  const { pid } = relays;
  for (const offset of ['+3600', '-7200', '1970-01-02 00:00:00', '+0']) {
    set(offset);
    const answer = once(open, 'data');
    open.write(offset);
    t.equal(String((await within(`an answer at ${offset}`, answer))[0]), offset);
    t.equal(String(await exchange(echo, 'a new one')), 'a new one');
    await new Promise((resolve) => setTimeout(resolve, 3_500)); // longer than the keepalive
  }
  t.same(
    relays.events.slice(at).filter((event) => leftUp(event) || event.type === 'worker.ended'),
    [],
  );
  t.equal(sshd.log().match(/Accepted publickey/g)?.length, 1, 'one login');
  // It retries by the monotonic clock: an hour ahead, or back, makes no wait longer.
  set('-7200');
  sshd.killSessions();
  const since = clock();
  t.equal(String(await exchange(echo, 'after the jump')), 'after the jump');
  const recover = since();
  const { at: stamp } = await relays.next('a new link', linked, at);
  t.ok(Math.abs(stamp - (Date.now() - 7_200_000)) < 60_000, 'its clock was really another one');
  await waitUntil('it is told', async () => (await relays.status('r')).standing.word === 'connected');
  measured(t, 'F28', { jumps: '+1h,-2h,1970,0', lost: '0', recover });
  t.ok(recover < 2_500, `${recover}`);
  t.equal(relays.pid, pid);
});
