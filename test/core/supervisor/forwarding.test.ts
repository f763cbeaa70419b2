import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { pipeline } from 'node:stream';
import { test } from 'tap';
import { startEcho, startSilent, startSink, startSource } from '../../fixtures/backend.ts';
import { testHash, testStream } from '../../fixtures/bytes.ts';
import { dial, exchange, fate, readAll } from '../../fixtures/client.ts';
import { startRoad } from '../../fixtures/impairment.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

test('an upload arrives whole where the target has ended first and reads slowly', async (t) => {
  const sshd = await startSshd(t);
  const size = 20 * 1024 * 1024;
  const backend = await startSilent(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${backend.port}`] } });
  await relays.reach('r', 'connected');
  // That it could be made is known there sooner than here.
  await waitUntil('the look at the target', () => backend.accepted() === 1);
  const accepted = backend.nextConnection();
  const client = await dial(relays.port('r'));
  const target = await within('the connection', accepted);
  target.end('done before you');
  t.equal(String(await within('the answer', readAll(client))), 'done before you');
  const heard = createHash('sha256');
  target.on('data', (chunk) => {
    heard.update(chunk);
    target.pause();
    setTimeout(() => target.resume(), 2);
  });
  const end = once(target, 'end');
  pipeline(testStream(size), client, () => undefined);
  await within('the end of the upload', end, 60_000);
  t.equal(heard.digest('hex'), testHash(size));
});

test('a client talks to a backend through a relay', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  const status = await relays.reach('r', 'connected');
  t.match(status.standing, { word: 'connected', reason: 'unverified', verified: false });
  t.equal((await exchange(relays.port('r'), 'hello')).toString(), 'hello');
  t.match(status.lanes[0]?.link, { hostKey: sshd.hostKeyFingerprint, detect: 20_000, strict: true });
});

test('half-close passes through both ways, and 20 MB are byte-exact', async (t) => {
  const sshd = await startSshd(t);
  const size = 20_000_000;
  const sink = await startSink(t);
  const source = await startSource(t, size);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${sink.port}`, `0:127.0.0.1:${source.port}`] },
  });
  await relays.reach('r', 'connected');
  const bytes = randomBytes(size);
  const answer = await exchange(relays.port('r', 0), bytes);
  t.equal(answer.toString(), createHash('sha256').update(bytes).digest('hex'), 'the sink answers after our end');
  const downloaded = await readAll(await dial(relays.port('r', 1)));
  t.equal(downloaded.length, size);
  t.equal(createHash('sha256').update(downloaded).digest('hex'), testHash(size));
});

test('Unix sockets work at both ends', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'unix');
  const backend = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
  backend.listen(join(dir, 'backend'));
  await once(backend, 'listening');
  t.teardown(() => backend.close());
  const listen = `unix:${join(dir, 'front')}`;
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [{ listen, target: `unix:${join(dir, 'backend')}` }] },
  });
  await relays.reach('r', 'connected');
  t.equal((await exchange(join(dir, 'front'), 'over unix')).toString(), 'over unix');
});

test('a killed link cuts what is open with a reset, holds who comes meanwhile, and serves them', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const open = await dial(relays.port('r'));
  open.write('x');
  await once(open, 'data');
  const cut = fate(open);
  sshd.killSessions();
  t.equal(await within('the cut', cut), 'ECONNRESET');
  const began = performance.now();
  t.equal((await exchange(relays.port('r'), 'held')).toString(), 'held');
  t.ok(performance.now() - began < 2_000, `served after ${Math.round(performance.now() - began)} ms`);
  await relays.reach('r', 'connected');
});

test('kill -9 of the worker resets what it had opened and hands over what it had not', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const open = await dial(relays.port('r'));
  open.write('x');
  await once(open, 'data');
  const cut = fate(open);
  process.kill(relays.worker('r'), 'SIGKILL');
  const waiting = Array.from({ length: 50 }, (_, index) => exchange(relays.port('r'), `client ${index}`));
  t.equal(await within('the cut', cut), 'ECONNRESET');
  const answers = await Promise.all(waiting);
  t.same(
    answers.map(String),
    answers.map((_, index) => `client ${index}`),
  );
});

test('a client that comes while sshd is down is held and served when it is back', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  await sshd.stop();
  await relays.reach('r', 'reconnecting');
  const held = exchange(relays.port('r'), 'patience');
  await relays.next(
    'an attempt that was refused',
    (event) => event.type === 'lane.changed' && event.state.at === 'waiting',
  );
  await sshd.start();
  t.equal((await held).toString(), 'patience');
});

test('a port chosen for :0 is the same after a restart', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const config = { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } };
  const first = await supervise(t, sshd, config);
  const port = first.port('r');
  t.ok(port >= 20_000 && port <= 32_767, `${port} lies below the ephemeral range`);
  await first.supervisor.close('restart');
  const second = await supervise(t, sshd, config, first.stateDir);
  t.equal(second.port('r'), port);
});

test('on a slow road with a full pipe a new client waits its turn, and nobody is cut', async (t) => {
  const sshd = await startSshd(t);
  const [sink, echo] = [await startSink(t), await startEcho(t)];
  const road = await startRoad(t, sshd.port);
  road.add({ kind: 'bandwidth', rate: 60 * 1024 });
  const text = readFileSync(sshd.sshConfigFile, 'utf8').replace(`Port ${sshd.port}`, `Port ${road.port}`);
  writeFileSync(sshd.sshConfigFile, `${text}  HostKeyAlias slow\n`);
  writeFileSync(sshd.knownHostsFile, sshd.hostKeys.map((key) => `slow ${key}\n`).join(''));
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${sink.port}`, `0:127.0.0.1:${echo.port}`], deadlines: { open: '2s' } },
  });
  await relays.reach('r', 'connected');
  const uploads = await Promise.all([1, 2, 3, 4].map(() => dial(relays.port('r', 0))));
  const fates: string[] = [];
  for (const upload of uploads) {
    t.teardown(() => upload.destroy());
    upload.on('close', () => fates.push('closed'));
    upload.write(Buffer.alloc(256 * 1024));
  }
  await waitUntil('bytes are on their way', () => relays.status('r').counters.sent > 200 * 1024);
  const began = performance.now();
  t.equal((await exchange(relays.port('r', 1), 'in turn', 60_000)).toString(), 'in turn');
  t.comment(`served after ${((performance.now() - began) / 1000).toFixed(1)} s`);
  t.same(fates, [], JSON.stringify(relays.events.slice(-12)));
  t.equal(relays.events.filter((event) => event.type === 'lane.changed' && event.state.at === 'waiting').length, 0);
  t.same(
    relays.events.filter((event) => event.type === 'link.doubted'),
    [],
    'a full pipe is no silence',
  );
});

test('localhost is both of its addresses, and a Unix socket that somebody removed is made again', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const path = join(makeTemp(t, 'listen'), 's');
  const target = `127.0.0.1:${echo.port}`;
  const relays = await supervise(t, sshd, {
    r: {
      host: 'test',
      forwards: [
        { listen: 'localhost:0', target },
        { listen: `unix:${path}`, target },
      ],
    },
  });
  await relays.reach('r', 'connected');
  for (const host of ['127.0.0.1', '::1']) {
    const socket = connect({ host, port: relays.port('r') });
    t.teardown(() => socket.destroy());
    socket.write(host);
    t.equal(String((await within(host, once(socket, 'data')))[0]), host);
  }
  const { id } = relays.supervisor.status();
  const again = relays.next('another socket', (event) => event.type === 'listener.bound' && event.forward === 1, id);
  rmSync(path);
  await again;
  t.equal((await exchange(path, 'back')).toString(), 'back');
});

test('an upload whose target leaves in the middle ends, and leaves nothing behind', async (t) => {
  const sshd = await startSshd(t);
  const backend = await startSilent(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${backend.port}`] } });
  await relays.reach('r', 'connected');
  // That it could be made is known there sooner than here.
  await waitUntil('the look at the target', () => backend.accepted() === 1);
  const accepted = backend.nextConnection();
  const client = await dial(relays.port('r'));
  t.teardown(() => client.destroy());
  const target = await within('the connection', accepted);
  // More than every window and buffer on the way takes: the rest waits in the worker when the client has ended.
  pipeline(testStream(64 * 1024 * 1024), client, () => undefined);
  let last = -1;
  await waitUntil(
    'the upload stalls',
    () => {
      const { writableLength, bytesWritten } = client;
      const still = bytesWritten - writableLength === last;
      last = bytesWritten - writableLength;
      return still;
    },
    { every: 300 },
  );
  client.end();
  client.resume();
  target.resetAndDestroy();
  await waitUntil('the connection is over', () => relays.status('r').counters.open === 0);
  await within('a stop with nothing to drain', relays.supervisor.stopRelay('r'), 5_000);
});

test('what was carried in the last moment before a stop, and before a restart, is counted', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const there = await freePort();
  const forwards = [`0:127.0.0.1:${echo.port}`, `remote:${there}:127.0.0.1:${echo.port}`];
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards } });
  for (let round = 1; round <= 4; round += 1) {
    await relays.supervisor.startRelay('r');
    await relays.reach('r', 'connected');
    await exchange(relays.port('r'), Buffer.alloc(1_000));
    await exchange(there, Buffer.alloc(100));
    if (round % 2 === 0) await relays.supervisor.stopRelay('r');
    else await relays.supervisor.restartRelay('r');
    const { sent, received, accepted } = relays.status('r').counters;
    t.same({ sent, received, accepted }, { sent: 1_100 * round, received: 1_100 * round, accepted: 2 * round });
  }
});
