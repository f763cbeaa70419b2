import tap, { test } from 'tap';
import { startEcho } from '../fixtures/backend.ts';
import { dial } from '../fixtures/client.ts';
import { noNamespaces } from '../fixtures/namespace.ts';
import { startRoads } from '../fixtures/roads.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { leftUp, startScene } from './link-scene.ts';
import { measured } from './measure.ts';
import { talk } from './talk.ts';

// A bad road is no dead one: not one false loss. The minute is the fault itself, and all spend it together.
tap.jobs = 3;
const minute = 60_000;

test('F14: a minute with a tenth of all packets lost each way costs no link', {
  buffered: true,
  skip: noNamespaces,
}, async (t) => {
  const { relays, namespace, to, from, echo } = await startScene(t);
  await relays.reach('r', 'connected');
  const at = relays.events.length;
  const loss = '-m statistic --mode random --probability .1 -j DROP';
  await namespace.rules(`${to} ${loss}`, `${from} ${loss}`);
  const trips = await talk(echo, minute);
  t.same(relays.events.slice(at).filter(leftUp), []);
  const { count, median, longest } = trips;
  measured(t, 'F14', { loss: '10%', time: minute, trips: String(count), median, longest, lost: '0' });
  t.ok(count > 60, `${count}`);
});

test('F15: half a minute of 1 Mbit/s with a full pipe costs no link, and others get their turn', {
  buffered: true,
  skip: noNamespaces,
}, async (t) => {
  const { relays, namespace, sink, echo } = await startScene(t, { keepalive: { interval: '2s', count: 2 } });
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
  const trips = await talk(echo, 30_000);
  t.same(relays.events.slice(at).filter(leftUp), []);
  t.notOk(writer.destroyed, 'the writer goes on');
  const { count, median, longest } = trips;
  const { counters } = await relays.status('r');
  const rate = `${((counters.sent * 8) / 30 / 1e6).toFixed(2)}Mbit/s`;
  measured(t, 'F15', { keepalive: '2sx2', trips: String(count), median, longest, rate, lost: '0' });
});

test('F16: half a minute of 500 ms +- 400 ms delay each way costs no link', { buffered: true }, async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const { sshConfigFile, road } = await startRoads(t, sshd, ['far']);
  road.far.add({ kind: 'latency', latency: 500, jitter: 400 });
  const forwards = [`0:127.0.0.1:${echo.port}`];
  const relays = await supervise(
    t,
    { sshConfigFile },
    { r: { host: 'far', forwards, keepalive: { interval: '1s', count: 3 } } },
  );
  await relays.reach('r', 'connected', 60_000);
  const { id } = relays.supervisor.status();
  const trips = await talk(relays.port('r'), 30_000);
  t.same(
    relays.events.filter((event) => event.id > id && leftUp(event)),
    [],
  );
  t.equal(road.far.passages.length, 1);
  const { count, median, longest } = trips;
  measured(t, 'F16', { keepalive: '1sx3', trips: String(count), median, longest, lost: '0' });
  t.ok(median > 400, 'the delay is real');
});
