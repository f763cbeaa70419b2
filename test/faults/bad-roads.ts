import type { Test } from 'tap';
import { drawRelay } from '../../src/cli/relay-sheet.ts';
import { formatDuration } from '../../src/control/quantity.ts';
import { startEcho } from '../fixtures/backend.ts';
import { dial, exchange } from '../fixtures/client.ts';
import { startRoads } from '../fixtures/roads.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { loginsAt, shaken, startScene } from './link-scene.ts';
import { clock, measured } from './measure.ts';
import { talk } from './talk.ts';

// A bad road is no dead one: not one false loss, and not one second login, however long it lasts.

const lossy = (probability: string): string => `-m statistic --mode random --probability ${probability} -j DROP`;

/** F14: a tenth of all packets is lost each way. */
export async function losesSome(t: Test, duration: number): Promise<void> {
  const { relays, namespace, to, from, echo, sshd } = await startScene(t);
  await relays.reach('r', 'connected');
  const at = relays.events.length;
  await namespace.rules(`${to} ${lossy('.1')}`, `${from} ${lossy('.1')}`);
  const { count, median, longest } = await talk(echo, duration);
  t.same(relays.events.slice(at).filter(shaken), []);
  t.equal(loginsAt(sshd), 1);
  measured(t, 'F14', { loss: '10%', time: duration, trips: String(count), median, longest, lost: '0' });
  t.ok(count > duration / 1_000, `${count}`);
}

/**
 * F14: a third. TCP itself is then silent for long: of 15 runs of 90 s seven met a doubt (half the keepalive, or 3 s where a channel is opened), and
 * in two the link was silent for the whole keepalive, which cut who was joined over it. So a second login cannot be ruled out, nor a cut. What
 * can: one for any other reason than silence, and more than the patience, which each vain one doubles, allows.
 */
export async function losesMuch(t: Test, duration: number): Promise<void> {
  const { relays, namespace, to, from, echo } = await startScene(t);
  await relays.reach('r', 'connected');
  const at = relays.events.length;
  await namespace.rules(`${to} ${lossy('.3')}`, `${from} ${lossy('.3')}`);
  const since = clock();
  let [words, cuts] = [0, 0];
  while (since() < duration) {
    const { count, error } = await talk(echo, duration - since()).then(
      (trips) => ({ ...trips, error: '' }),
      (error: unknown) => ({ count: 0, error: String(error) }),
    );
    words += count;
    if (error === '') continue;
    t.match(error, /cut after \d+ words/);
    cuts += 1;
  }
  const after = relays.events.slice(at);
  const doubts = after.flatMap((event) => (event.type === 'link.doubted' ? [event.fault] : []));
  const losses = after.flatMap((event) =>
    event.type === 'lane.changed' && event.state.at === 'dialing' && event.state.lost !== undefined
      ? [event.state.lost]
      : [],
  );
  const shown = { doubts: String(doubts.length), lost: String(losses.length), cuts: String(cuts) };
  measured(t, 'F14', { loss: '30%', time: duration, words: String(words), ...shown });
  for (const { code } of [...doubts, ...losses]) t.equal(code, 'LINK_SILENT');
  t.ok(doubts.length <= 4, `${doubts.length} doubts`);
  t.ok(cuts <= doubts.length + losses.length, `${cuts} cuts`);
  t.equal(String(await exchange(echo, 'served', 60_000)), 'served');
}

/** F15: 1 Mbit/s, and more is written than that all the time. */
export async function isFull(t: Test, duration: number): Promise<void> {
  const scene = await startScene(t, { keepalive: { interval: '2s', count: 2 } });
  const { relays, namespace, sink, echo, sshd } = scene;
  await relays.reach('r', 'connected');
  const at = relays.events.length;
  const shape = ['root', 'tbf', 'rate', '1mbit', 'burst', '16k', 'latency', '400ms'];
  // A packet larger than the burst would never pass.
  await namespace.run('ip', 'link', 'set', 'lo', 'mtu', '1500');
  await namespace.run('tc', 'qdisc', 'add', 'dev', 'lo', ...shape);
  const writer = await dial(sink);
  t.teardown(() => writer.destroy());
  const chunk = Buffer.alloc(64 * 1024, 7);
  const load = setInterval(() => writer.writableNeedDrain || writer.destroyed || writer.write(chunk), 5);
  t.teardown(() => clearInterval(load));
  await waitUntil('the pipe is full', () => writer.writableNeedDrain);
  const { count, median, longest } = await talk(echo, duration);
  t.same(relays.events.slice(at).filter(shaken), []);
  t.equal(loginsAt(sshd), 1);
  t.notOk(writer.destroyed, 'the writer goes on');
  const { counters } = await relays.status('r');
  const rate = `${((counters.sent * 8) / (duration / 1_000) / 1e6).toFixed(2)}Mbit/s`;
  measured(t, 'F15', { keepalive: '2sx2', time: duration, trips: String(count), median, longest, rate, lost: '0' });
}

/** F16: 500 ms +- 400 ms of delay each way. */
export async function isFar(t: Test, duration: number): Promise<void> {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const { sshConfigFile, road } = await startRoads(t, sshd, ['far']);
  road.far.add({ kind: 'latency', latency: 500, jitter: 400 });
  const relay = { host: 'far', forwards: [`0:127.0.0.1:${echo.port}`], keepalive: { interval: '1s', count: 3 } };
  const relays = await supervise(t, { sshConfigFile }, { r: relay });
  await relays.reach('r', 'connected', 60_000);
  const { id } = relays.supervisor.status();
  const { count, median, longest } = await talk(relays.port('r'), duration);
  const shakes = relays.events.filter((event) => event.id > id && shaken(event));
  t.same(shakes, []);
  t.equal(loginsAt(sshd), 1);
  t.equal(road.far.passages.length, 1);
  // Of the target, over the link and back: a road of 100 to 900 ms each way is seen in it.
  const rtt = relays.status('r').counters.rtt[0] ?? 0;
  measured(t, 'F16', { keepalive: '1sx3', time: duration, trips: String(count), median, longest, rtt, lost: '0' });
  t.ok(rtt >= 200 && rtt < 5_000, `${rtt} ms`);
  const sheet = drawRelay(relays.status('r'), { now: Date.now(), colour: false, columns: 200 });
  t.match(sheet, `(unverified, ${formatDuration(rtt)})`, '`towline status r` shows it');
  t.ok(median > 400, 'the delay is real');
}
