import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { startEcho, startTcp } from '../fixtures/backend.ts';
import { exchange, fateOf } from '../fixtures/client.ts';
import { descriptorsOf, residentSize } from '../fixtures/process-tree.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { come, comeAtOnce, mib, percentile, trips } from './crowd.ts';
import { clock, measured } from './measure.ts';

test('F61: two thousand clients that say next to nothing fill `connections` of their relay, and the others feel nothing', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    crowded: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], connections: 1_500 },
    other: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] },
  });
  await relays.reach('crowded', 'connected');
  await relays.reach('other', 'connected');
  const alone = percentile(await trips(relays.port('other'), 300), 0.99);
  const idle: Socket[] = [];
  let reset = 0;
  t.teardown(() => {
    for (const socket of idle) socket.destroy();
  });
  for (let n = 0; n < 2_000; n += 1) {
    const socket = connect({ port: relays.port('crowded'), host: '127.0.0.1' });
    socket
      .on('error', () => undefined)
      .on('close', () => {
        reset += 1;
      });
    idle.push(socket);
    if (n % 100 === 99) await sleep(10); // so that none is lost on its way to us
  }
  await waitUntil(
    'all have their place, or none',
    () => relays.status('crowded').counters.open === 1_500 && reset === 500,
  );
  t.match(relays.status('crowded').counters, { open: 1_500, held: 0, refused: 500 });
  t.match(relays.status('crowded').lastFault, { code: 'CONNECTIONS_FULL', message: /1500 connections are open/ });
  // A byte each 10 s from each of them, in turn: who is so slow is no emptier seat, and no heavier one.
  const turn = idle.filter((socket) => !socket.destroyed);
  let [sent, back] = [0, 0];
  for (const socket of turn) socket.on('data', (chunk: Buffer) => (back += chunk.length));
  const dripping = setInterval(() => {
    for (let n = 0; n < 15; n += 1, sent += 1) turn[sent % turn.length]?.write('.');
  }, 100);
  t.teardown(() => clearInterval(dripping));
  const times: number[] = [];
  while (times.length < 300 || sent < 300) times.push(...(await trips(relays.port('other'), 100)));
  clearInterval(dripping);
  await waitUntil('each byte is back', () => back === sent);
  t.match(relays.status('crowded').counters, { open: 1_500, held: 0, refused: 500 });
  const p99 = percentile(times, 0.99);
  measured(t, 'F61', {
    open: '1500',
    each: '1byte/10s',
    reset: '500',
    others_p99: `${p99.toFixed(2)}ms`,
    alone_p99: `${alone.toFixed(2)}ms`,
  });
  t.ok(p99 < Math.max(50, 10 * alone), `${p99} ms, ${alone} ms alone`);
  // The window of `connections` opens again as they leave.
  for (const socket of idle.splice(0, 1_000)) socket.destroy();
  await waitUntil('there is room', () => relays.status('crowded').counters.open <= 1_000);
  t.equal(String(await exchange(relays.port('crowded'), 'room again')), 'room again');
});

test('F61: of two thousand clients in an outage 512 are held, and the others are reset at once with the reason', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], hold: { time: '2m' } },
  });
  await relays.reach('r', 'connected');
  await sshd.stop();
  sshd.killSessions('SIGKILL');
  await relays.reach('r', 'reconnecting');
  const idle: Socket[] = [];
  let reset = 0;
  t.teardown(() => {
    for (const socket of idle) socket.destroy();
  });
  for (let n = 0; n < 2_000; n += 1) {
    const socket = connect({ port: relays.port('r'), host: '127.0.0.1' });
    socket
      .on('error', () => undefined)
      .on('close', () => {
        reset += 1;
      });
    idle.push(socket);
    if (n % 100 === 99) await sleep(10);
  }
  await waitUntil('the others are reset', () => reset === 2_000 - 512);
  t.match(relays.status('r').counters, { held: 512, refused: 2_000 - 512 });
  t.ok(relays.events.some((event) => event.type === 'connection.refused' && event.fault.code === 'HOLD_FULL'));
  t.equal(await fateOf(relays.port('r'), 2_000), 'ECONNRESET');
  await sshd.start();
  const back = clock();
  await waitUntil('those are served', () => relays.status('r').counters.open === 512, { timeout: 30_000 });
  measured(t, 'F61', { held: '512', reset: String(2_000 - 512), served: back() });
});

test('F63: of three thousand clients that come at once not one fails', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startTcp(t, 0, (socket) => void socket.pipe(socket));
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const bare = await comeAtOnce(echo.port, 3_000);
  for (const one of bare.came) if (one.status === 'fulfilled') one.value.destroy();
  await waitUntil('they have left', () => echo.sockets.size === 0);
  const { came, times, took } = await comeAtOnce(relays.port('r'), 3_000);
  const rss = residentSize(relays.worker('r'));
  const failed = came.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
  t.same(failed, []);
  measured(t, 'F63', {
    clients: '3000',
    failed: String(failed.length),
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    took,
    bare: bare.took,
    rss: mib(rss),
  });
  // Measured: 1.5 s, 1.6 s and 148 to 154 MiB, where the clients, the echo, sshd and the daemon share two cores; the goal for the relay alone is 1.5 s
  // and 150 MB.
  // What else the machine does is seen in the same crowd without a relay.
  const most = Math.max(4_000, 8 * bare.took);
  t.ok(percentile(times, 0.99) < most, `${percentile(times, 0.99)} ms of ${most}`);
  t.ok(took < most, `${took} ms of ${most}`);
  t.ok(rss < 170 * 1024 * 1024, mib(rss));
  for (const one of came) if (one.status === 'fulfilled') one.value.destroy();
});

test('five thousand connections that were open at once leave no descriptor behind, and no more memory each time', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startTcp(t, 0, (socket) => void socket.pipe(socket));
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const worker = relays.worker('r');
  const { id } = relays.supervisor.status();
  await exchange(relays.port('r'), 'warm');
  await waitUntil('nobody is there', () => relays.status('r').counters.open === 0 && echo.sockets.size === 0);
  const before = { mine: descriptorsOf(process.pid), worker: descriptorsOf(worker), size: residentSize(worker) };
  const sizes: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const open: Socket[] = [];
    while (open.length < 5_000) {
      const some = await Promise.all(Array.from({ length: 250 }, () => come(relays.port('r'))));
      open.push(...some);
    }
    t.equal(relays.status('r').counters.open, 5_000);
    t.equal(echo.sockets.size, 5_000);
    for (const socket of open) socket.on('error', () => undefined).destroy();
    await waitUntil('all have left', () => relays.status('r').counters.open === 0 && echo.sockets.size === 0, {
      timeout: 30_000,
    });
    sizes.push(residentSize(worker));
  }
  await waitUntil(
    'the descriptors are back',
    () => descriptorsOf(worker) <= before.worker && descriptorsOf(process.pid) <= before.mine,
  );
  const [, second = 0, third = 0] = sizes;
  measured(t, 'F63', {
    open: '5000',
    rounds: '3',
    rss: [before.size, ...sizes].map(mib).join('/'),
    left: mib(third - before.size),
    descriptors: String(before.worker),
  });
  // The first rounds warm its heap up, and V8 keeps what it took for them: some 30 KiB for each that was there at once (147 to 149 MiB).
  t.ok(third < second * 1.15, sizes.map(mib).join(' '));
  t.ok(third - before.size < 180 * 1024 * 1024, mib(third - before.size));
  t.equal(relays.worker('r'), worker);
  t.same(
    relays.events.filter((event) => event.id > id && event.type === 'lane.changed' && event.state.at !== 'up'),
    [],
  );
});
