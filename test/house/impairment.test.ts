import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'tap';
import { startEcho, startSilent, startSink, startSource } from '../fixtures/backend.ts';
import { hashOf, testBytes, testHash } from '../fixtures/bytes.ts';
import { dial, exchange, fate, fateOf, readAll } from '../fixtures/client.ts';
import { startRoad } from '../fixtures/impairment.ts';
import { seeded } from '../fixtures/seeded.ts';
import { waitUntil, within } from '../fixtures/wait.ts';

/** Says one thing and waits for its echo; how many ms that took. */
async function ask(socket: Socket, text = 'x'): Promise<number> {
  const began = performance.now();
  const answer = once(socket, 'data');
  socket.write(text);
  await within('an echo', answer);
  return performance.now() - began;
}

/** What a client sends is what it gets back, without an end in between. */
async function echoed(socket: Socket, bytes: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const whole = new Promise<Buffer>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const all = Buffer.concat(chunks);
      if (all.length >= bytes.length) resolve(all);
    });
  });
  socket.write(bytes);
  return within('the echo', whole);
}

test('a road without a toxic passes everything on, both ends too, and counts it', async (t) => {
  const size = 5_000_000;
  const [sink, source] = [await startSink(t), await startSource(t, size)];
  const [to, from] = [await startRoad(t, sink.port), await startRoad(t, source.port)];
  const bytes = Buffer.concat([...testBytes(size)]);
  t.equal(String(await exchange(to.port, bytes)), testHash(size), 'the answer comes after our end');
  t.equal(hashOf([await readAll(await dial(from.port))]), testHash(size));
  t.match(to.passages, [{ number: 1, up: size, down: 64 }]);
  t.match(from.passages, [{ number: 1, down: size }]);
});

test('latency delays what is said, with a jitter that its seed decides, and keeps the order', async (t) => {
  const echo = await startEcho(t);
  const road = await startRoad(t, echo.port, { seed: 7 });
  const off = road.add({ kind: 'latency', latency: 60, jitter: 50 }, 'up');
  const socket = await dial(road.port);
  // The first connection, upwards: it may only come later than that, on a busy machine.
  const random = seeded(7 + 2);
  for (let n = 0; n < 4; n += 1) {
    const least = 60 + 50 * (2 * random() - 1);
    const taken = await ask(socket);
    t.ok(taken >= least - 1, `${taken} where ${least} was due`);
  }
  const bytes = Buffer.concat([...testBytes(300_000)]);
  t.ok((await echoed(socket, bytes)).equals(bytes), 'in order');
  off();
  await ask(socket);
  const quick = Math.min(await ask(socket), await ask(socket), await ask(socket));
  t.ok(quick < 60, `${quick}: taken off while it runs`);
});

test('bandwidth bounds the rate, and what does not fit waits at its sender', async (t) => {
  const size = 300_000;
  const source = await startSource(t, size * 20);
  const road = await startRoad(t, source.port);
  const off = road.add({ kind: 'bandwidth', rate: 500_000 }, 'down');
  const client = await dial(road.port);
  let got = 0;
  client.on('data', (chunk: Buffer) => {
    got += chunk.length;
  });
  const began = performance.now();
  await waitUntil('some bytes', () => got >= size);
  const took = performance.now() - began;
  t.ok(took > 350 && took < 2_000, `${size} bytes took ${Math.round(took)} ms`);
  off();
  await within('the rest', once(client, 'end'));
  t.equal(got, size * 20);
});

test('slow_close passes an end on late, and bytes in time', async (t) => {
  const echo = await startEcho(t);
  const road = await startRoad(t, echo.port);
  road.add({ kind: 'slow_close', delay: 300 }, 'up');
  const socket = await dial(road.port);
  const heard = once(socket, 'data');
  const began = performance.now();
  socket.end('x');
  await heard;
  t.ok(performance.now() - began < 290, 'the byte');
  await within('the end', once(socket, 'end'));
  t.ok(performance.now() - began >= 290, 'the end');
});

test('timeout is a black hole until it is taken off, or closes the connection', async (t) => {
  const echo = await startEcho(t);
  const road = await startRoad(t, echo.port);
  const socket = await dial(road.port);
  await ask(socket);
  const off = road.add({ kind: 'timeout' });
  const answer = once(socket, 'data');
  socket.write('y');
  const other = await dial(road.port);
  t.equal(
    await Promise.race([answer, ask(other, 'z').then(() => 'z'), new Promise((r) => setTimeout(r, 200))]),
    undefined,
  );
  off();
  t.equal(String((await within('what waited', answer))[0]), 'y');
  const began = performance.now();
  const end = fate(socket);
  road.add({ kind: 'timeout', after: 150 }, 'down');
  t.not(await within('the end', end), 'data');
  t.ok(performance.now() - began >= 140);
});

test('reset_peer resets both sides, at once or later', async (t) => {
  const silent = await startSilent(t);
  const road = await startRoad(t, silent.port);
  for (const after of [0, 150]) {
    const accepted = silent.nextConnection();
    const socket = await dial(road.port);
    const ends = Promise.all([fate(socket), accepted.then(fate)]);
    await accepted;
    const began = performance.now();
    const off = road.add({ kind: 'reset_peer', after });
    t.same(await within('both ends', ends), ['ECONNRESET', 'ECONNRESET']);
    t.ok(performance.now() - began >= after - 5);
    off();
  }
});

test('slicer passes pieces of its size on, one at a time', async (t) => {
  const silent = await startSilent(t);
  const road = await startRoad(t, silent.port);
  road.add({ kind: 'slicer', size: 3, variation: 2, delay: 5 }, 'up');
  const accepted = silent.nextConnection();
  const client = await dial(road.port);
  const target = await accepted;
  const pieces: Buffer[] = [];
  target.on('data', (chunk: Buffer) => pieces.push(chunk));
  const bytes = Buffer.from('what is cut into pieces is whole again at the end of the road');
  client.write(bytes);
  await waitUntil('all of it', () => Buffer.concat(pieces).length === bytes.length);
  t.ok(Buffer.concat(pieces).equals(bytes));
  t.ok(pieces.length > bytes.length / 12, `${pieces.length} pieces`);
});

test('limit_data closes the connection after exactly so many bytes, from where it met it', async (t) => {
  const source = await startSource(t, 1_000_000);
  const road = await startRoad(t, source.port);
  for (const bytes of [0, 1, 999, 100_000]) {
    const off = road.add({ kind: 'limit_data', bytes }, 'down');
    const got = await within('the end', readAll(await dial(road.port)));
    t.equal(got.length, bytes);
    t.equal(road.passages.at(-1)?.down, bytes);
    off();
  }
  const echo = await startEcho(t);
  const live = await startRoad(t, echo.port);
  const socket = await dial(live.port);
  await ask(socket, 'some bytes before');
  live.add({ kind: 'limit_data', bytes: 2 }, 'up');
  const rest = readAll(socket).catch(() => Buffer.alloc(0));
  socket.write('abcdef');
  t.match(String(await within('the rest', rest)), /^(ab)?$/);
  t.equal(live.passages[0]?.up, 'some bytes before'.length + 2);
});

test('xor flips the bits that it names, of one way only, and nothing else', async (t) => {
  const echo = await startEcho(t);
  const road = await startRoad(t, echo.port);
  road.add({ kind: 'xor', at: 70_000, mask: 0x80 }, 'up');
  road.add({ kind: 'xor', at: 3, mask: 0xff, length: 2 }, 'down');
  const bytes = Buffer.concat([...testBytes(200_000)]);
  const back = await echoed(await dial(road.port), bytes);
  const differing = [...bytes.keys()].filter((index) => bytes[index] !== back[index]);
  t.same(differing, [3, 4, 70_000]);
  t.equal((bytes[70_000] ?? 0) ^ (back[70_000] ?? 0), 0x80);
});

test('down refuses and cuts, up serves on the same port; cut and reset end what is open', async (t) => {
  const echo = await startEcho(t);
  const road = await startRoad(t, echo.port);
  const first = await dial(road.port);
  await ask(first);
  const cut = fate(first);
  await road.down();
  t.match(await within('the cut', cut), /end|ECONNRESET/);
  t.equal(await fateOf(road.port), 'ECONNREFUSED');
  await road.up();
  const came = road.next();
  const second = await dial(road.port);
  t.equal((await came).number, 2);
  await ask(second);
  const reset = fate(second);
  road.reset();
  t.equal(await within('the reset', reset), 'ECONNRESET');
  t.equal(
    road.passages.every((passage) => !passage.open),
    true,
  );
});

test('a reset of one side is a reset for the other, and a refusing server resets the client', async (t) => {
  const silent = await startSilent(t);
  const road = await startRoad(t, silent.port);
  const accepted = silent.nextConnection();
  const client = await dial(road.port);
  const target = await accepted;
  const end = fate(client);
  target.resetAndDestroy();
  t.equal(await within('the reset', end), 'ECONNRESET');
  await silent.close();
  t.equal(await fateOf(road.port), 'ECONNRESET');
});

test('the same seed gives the same numbers', (t) => {
  const some = (seed: number) => Array.from({ length: 5 }, seeded(seed));
  t.same(some(3), some(3));
  t.not(some(3)[0], some(4)[0]);
  t.ok(some(5).every((number) => number >= 0 && number < 1));
  t.end();
});

test('a reset behind bytes that were not read yet is no end, and an end is one', async (t) => {
  for (const [how, fateOfIt] of [
    ['reset', 'ECONNRESET'],
    ['end', 'end'],
  ] as const) {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write('hello');
        if (how === 'reset') socket.resetAndDestroy();
        else socket.end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const client = await dial(address.port);
    client.end('x');
    t.equal(await within('its end', fate(client)), fateOfIt);
    client.destroy();
  }
});
