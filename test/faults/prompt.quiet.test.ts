import { once } from 'node:events';
import tap, { test } from 'tap';
import { dial, exchange } from '../fixtures/client.ts';
import { runTowline } from '../fixtures/cli.ts';
import { noNamespaces } from '../fixtures/namespace.ts';
import { rename, replaceFile } from './etc-files.ts';
import { leftUp, startScene, waits } from './link-scene.ts';
import { clock, measured } from './measure.ts';

// How soon the fault catalogue wants each done, in the numbers that it has; the same faults are met elsewhere with more beside them. One at a
// time, and of several rounds the median counts: a round may meet a machine that does other things.
tap.jobs = 1;
const median = (times: readonly number[]): number =>
  [...times].sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? Number.POSITIVE_INFINITY;
const shown = (times: readonly number[]): string => times.map((ms) => Math.round(ms)).join('/');

/** Rounds; fewer than the links that may be thrown out in a row before the next one is made more slowly. */
const rounds = 7;

test('F01: killed sessions are noticed within 50 ms, and the next client is served by a new link within 300 ms', {
  skip: noNamespaces,
}, async (t) => {
  const { relays, echo, sshd } = await startScene(t);
  const detects: number[] = [];
  const serves: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await relays.reach('r', 'connected');
    t.equal(String(await exchange(echo, 'before')), 'before');
    const at = relays.events.length;
    const since = clock();
    sshd.killSessions();
    await relays.next('the loss', leftUp, at);
    detects.push(since());
    t.equal(String(await exchange(echo, 'held')), 'held');
    serves.push(since());
  }
  measured(t, 'F01', { detect: shown(detects), serve: shown(serves) });
  t.ok(median(detects) <= 50, shown(detects));
  t.ok(median(serves) <= 300, shown(serves));
  t.ok(Math.max(...serves) <= 1_000, shown(serves));
});

test('F12: a reset by a firewall is noticed within 50 ms of the packet that meets it', {
  skip: noNamespaces,
}, async (t) => {
  const { relays, namespace, to, echo } = await startScene(t);
  const detects: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await relays.reach('r', 'connected');
    const open = await dial(echo);
    t.teardown(() => open.destroy());
    open.write('x');
    await once(open, 'data');
    const at = relays.events.length;
    const mend = await namespace.rules(`${to} -j REJECT --reject-with tcp-reset`);
    const since = clock();
    open.write('y');
    await relays.next('the loss', leftUp, at);
    detects.push(since());
    await mend();
  }
  measured(t, 'F12', { detect: shown(detects) });
  t.ok(median(detects) <= 50, shown(detects));
  t.ok(Math.max(...detects) <= 500, shown(detects));
});

for (const [name, rule] of [
  ['nobody', null],
  ['a black hole', 'INPUT -p tcp -d ::1 -j DROP'],
] as const) {
  test(`F24: a first address of IPv6 with ${name} behind it costs no more than 300 ms`, {
    skip: noNamespaces,
  }, async (t) => {
    const { relays, echo } = await startScene(
      t,
      {},
      {
        before: async (made) => {
          if (rule !== null) await made.namespace.run('ip6tables', '-w', '-A', ...rule.split(' '));
          await replaceFile(t, made, '/etc/hosts', '::1 both.example\n127.0.0.1 both.example\n');
          rename(made, 'both.example');
        },
      },
    );
    const penalties: number[] = [];
    let at = 0;
    for (let round = 0; round < rounds; round += 1) {
      const stage = (what: string) =>
        relays.next(what, (event) => event.type === 'lane.advanced' && event.stage === what, at);
      const tcp = await stage('tcp');
      const greeting = await stage('greeting');
      penalties.push(greeting.at - tcp.at);
      await relays.reach('r', 'connected');
      t.equal(String(await exchange(echo, name)), name);
      at = relays.events.length;
      if (round < rounds - 1) t.match(await runTowline(t, ['restart', 'r']), { code: 0 });
    }
    measured(t, 'F24', { first: name.replaceAll(' ', '-'), penalty: shown(penalties) });
    t.ok(median(penalties) <= 300, shown(penalties));
    t.ok(Math.max(...penalties) <= 900, shown(penalties));
    t.same(relays.events.filter(waits), []);
  });
}
