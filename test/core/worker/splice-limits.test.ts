import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import tap, { type Test, test } from 'tap';
import { dialHere } from '../../../src/core/socket/dial-here.ts';
import { rawHandle, socketFrom } from '../../../src/core/socket/raw-handle.ts';
import type { Link } from '../../../src/core/ssh/link/link.ts';
import { splice, type Wrap } from '../../../src/core/worker/clients/splice.ts';
import { startTcp } from '../../fixtures/backend.ts';
import { dial, readAll } from '../../fixtures/client.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { within } from '../../fixtures/wait.ts';

// Each waits for longer than plugins get without a byte.
tap.jobs = 5;
const longer = 13_000;

const through: Wrap = async (client) => {
  const down = new PassThrough();
  down.pipe(client);
  return Duplex.from({ readable: client.pipe(new PassThrough()), writable: down });
};

/** A client on this machine, its socket as a worker has it that lets plugins read, and the connection of its target. */
async function joined(t: Test, wrap: Wrap) {
  const link = await openTestLink(t, await startSshd(t));
  const target = await startTcp(t, 0, () => undefined);
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = await dial((server.address() as AddressInfo).port);
  t.teardown(() => client.destroy());
  const [own]: Socket[] = await accepted;
  const socket = socketFrom(own === undefined ? null : rawHandle(own), true);
  socket.on('error', () => undefined);
  const came = target.nextConnection();
  const to = { kind: 'tcp', host: '127.0.0.1', port: target.port } as const;
  const channel = await link.dial(to, { address: '127.0.0.1', port: 0 });
  const there = await within('the connection', came);
  const traffic = { sent: 0, received: 0 };
  const served = splice({ socket, channel, link, traffic, wrap, client: 'here' });
  return { link, client, there, served };
}

/** Nobody has a turn in the outlet until it is called. */
function hold({ outlet }: Link): () => void {
  const waiting: (() => void)[] = [];
  Object.defineProperties(outlet, {
    room: { configurable: true, get: () => 0 },
    bearable: { configurable: true, get: () => false },
    onceRoom: { configurable: true, value: (listener: () => void) => waiting.push(listener) },
  });
  return () => {
    for (const name of ['room', 'bearable', 'onceRoom']) Reflect.deleteProperty(outlet, name);
    for (const listener of waiting.splice(0)) listener();
  };
}

test('what waits for its turn in the outlet is no fault of a plugin, and comes whole: a client here', {
  buffered: true,
}, async (t) => {
  const { link, client, there, served } = await joined(t, through);
  const bytes = randomBytes(40_000);
  const all = readAll(there);
  const answered = readAll(client);
  there.end('done');
  t.equal(String(await within('the answer', answered)), 'done');
  const release = hold(link);
  client.end(bytes);
  await sleep(longer); // longer than plugins get
  release();
  t.ok((await within('what the client said', all)).equals(bytes));
  t.equal(await within('its end', served), null);
});

test('what waits for its turn in the outlet is no fault of a plugin, and comes whole: a client there', {
  buffered: true,
}, async (t) => {
  const link = await openTestLink(t, await startSshd(t));
  // So few that nothing pauses: the target has ended and gone long before.
  const bytes = randomBytes(10_000);
  const release = hold(link);
  const target = await startTcp(t, 0, (socket) => void socket.resume().end(bytes));
  const socket = await dialHere({ kind: 'tcp', host: '127.0.0.1', port: target.port }, 5_000);
  const traffic = { sent: 0, received: 0 };
  let served: Promise<unknown> = Promise.resolve();
  const there = await link.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, (incoming) => {
    served = splice({ socket, channel: incoming.accept(), link, traffic, wrap: through, client: 'there' });
  });
  const client = await dial(there.listen.kind === 'tcp' ? there.listen.port : 0);
  const all = readAll(client);
  client.end('go');
  await sleep(longer); // longer than plugins get
  release();
  t.ok((await within('what the target said', all)).equals(bytes));
  t.equal(await within('its end', served), null);
});

test('a plugin that never ends what it made of a client is given up, though nobody destroyed anything', {
  buffered: true,
}, async (t) => {
  const deaf: Wrap = async (client) => {
    client.resume();
    return new Duplex({
      read: () => undefined,
      write: (chunk, _, done) => void client.write(chunk, done),
      final: (done) => void client.end(done),
    });
  };
  const { client, there, served } = await joined(t, deaf);
  client.resume().end('all of it');
  there.resume().end();
  t.match(await within('its end', served, 30_000), {
    cut: { code: 'PLUGIN_FAILED', message: /did not end/ },
    news: true,
  });
});

test('a plugin that destroys its client while it is asked for a stream cuts it, and is told of', {
  buffered: true,
}, async (t) => {
  const { served } = await joined(t, async (client) => {
    client.destroy();
    return new PassThrough();
  });
  t.match(await within('its end', served), { cut: { code: 'PLUGIN_FAILED', message: /destroyed/ }, news: true });
});

test('a passage that is destroyed while bytes come closes its channel', { buffered: true }, async (t) => {
  const link = await openTestLink(t, await startSshd(t));
  const target = await startTcp(t, 0, (socket) => {
    socket.on('error', () => undefined);
    socket.write(randomBytes(8_000_000));
  });
  const to = { kind: 'tcp', host: '127.0.0.1', port: target.port } as const;
  const channel = await link.dial(to, { address: '127.0.0.1', port: 0 });
  const closed = once(channel, 'close');
  const passage = link.outlet.passage(channel);
  await once(passage, 'data');
  passage.destroy();
  await within('its close', closed);
  t.ok(passage.destroyed);
});
