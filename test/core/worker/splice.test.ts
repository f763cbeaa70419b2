import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import type { Connection, ServerChannel } from 'ssh2';
import { test } from 'tap';
import type { Incoming, Link } from '../../../src/core/ssh/link/link.ts';
import { remoteHost } from '../../../src/core/ssh/link/remote-host.ts';
import { dialHere } from '../../../src/core/socket/dial-here.ts';
import { splice } from '../../../src/core/worker/clients/splice.ts';
import { startEcho, startTcp } from '../../fixtures/backend.ts';
import { dial, fate, readAll } from '../../fixtures/client.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { type Innards, idOf, startRogue } from '../../fixtures/rogue-server.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { within } from '../../fixtures/wait.ts';

/** A stream of a plugin's own in place of the client's. */
async function wrapped(client: Duplex): Promise<Duplex> {
  const down = new PassThrough();
  down.pipe(client);
  return Duplex.from({ readable: client.pipe(new PassThrough()), writable: down });
}

test('a channel that the server closes in the middle cuts the target, wrapped or not: half an upload does not look whole', async (t) => {
  for (const wrap of [null, wrapped]) {
    const target = await startTcp(t, 0, () => undefined);
    const servers: { client: Connection; innards: Innards }[] = [];
    const rogue = await startRogue(t, {
      // Only of sshd it is known that it says EOF before it closes.
      ident: 'OpenSSH_9.2',
      welcome: (client, innards) => {
        servers.push({ client, innards });
        client.on('request' as never, ((accept: () => void) => accept()) as never);
      },
    });
    const link = await openTestLink(t, rogue, { quicken: false });
    const listen = { kind: 'tcp', host: '127.0.0.1', port: 9_000 } as const;
    let come: (incoming: Incoming) => void = () => undefined;
    const came = new Promise<Incoming>((resolve) => {
      come = resolve;
    });
    await link.listen(listen, (incoming) => come(incoming));
    const [{ client, innards } = { client: null, innards: null }] = servers;
    const opened = new Promise<ServerChannel>((resolve) =>
      client?.forwardOut('127.0.0.1', 9_000, '10.0.0.1', 4_000, ((_: unknown, one: ServerChannel) =>
        resolve(one)) as never),
    );
    const accepted = target.nextConnection();
    const channel = (await came).accept();
    const socket = await dialHere({ kind: 'tcp', host: '127.0.0.1', port: target.port }, 5_000);
    const traffic = { sent: 0, received: 0 };
    const served = splice({ socket, channel, link, traffic, wrap, client: 'there' });
    const there: Socket = await within('the connection', accepted);
    const remote = await within('the channel', opened);
    const first = once(there, 'data');
    remote.write('half of it');
    t.equal(String((await within('the half', first))[0]), 'half of it');
    const cut = fate(there);
    innards?.channelClose(idOf(remote));
    t.equal(await within('the cut', cut), 'ECONNRESET', wrap === null ? 'as it is' : 'wrapped');
    t.match(await within('its end', served), { cut: { code: 'CONNECTION_CUT' }, news: true });
  }
});

/** How many bytes have left by the outlet: they had their turn, and the pace knows of them. */
function countOutlet({ outlet }: Link): () => number {
  let bytes = 0;
  const gave = outlet.gave.bind(outlet);
  outlet.gave = (count) => {
    bytes += count;
    gave(count);
  };
  return () => bytes;
}

test('what plugins write to a client of the other side goes by the outlet, and comes whole', async (t) => {
  const link = await openTestLink(t, await startSshd(t));
  const bytes = randomBytes(3_000_000);
  const target = await startTcp(t, 0, (socket) => void socket.resume().end(bytes));
  const socket = await dialHere({ kind: 'tcp', host: '127.0.0.1', port: target.port }, 5_000);
  let served: Promise<unknown> = Promise.resolve();
  const traffic = { sent: 0, received: 0 };
  const there = await link.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, (incoming) => {
    served = splice({ socket, channel: incoming.accept(), link, traffic, wrap: wrapped, client: 'there' });
  });
  const passed = countOutlet(link);
  const client = await dial(there.listen.kind === 'tcp' ? there.listen.port : 0);
  const all = readAll(client);
  client.end('go');
  t.ok((await within('what the target says', all)).equals(bytes));
  t.equal(await within('its end', served), null);
  t.equal(passed(), bytes.length);
  t.same(traffic, { sent: 2, received: bytes.length });
});

test('so does what plugins write to a connection that they opened on the host', async (t) => {
  const link = await openTestLink(t, await startSshd(t));
  const echo = await startEcho(t);
  const passed = countOutlet(link);
  const stream = await remoteHost(link).dial({ kind: 'tcp', host: '127.0.0.1', port: echo.port });
  const bytes = randomBytes(1_000_000);
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = once(stream, 'close');
  stream.end(bytes);
  await within('the end', closed);
  t.ok(Buffer.concat(chunks).equals(bytes));
  t.equal(passed(), bytes.length);
});

test('a connection on the host that is given up, or whose link is lost, closes; its writer is not kept waiting', async (t) => {
  const link = await openTestLink(t, await startSshd(t));
  const target = await startTcp(t, 0, () => undefined);
  const host = remoteHost(link);
  const open = async () => {
    const came = target.nextConnection();
    const stream = await host.dial({ kind: 'tcp', host: '127.0.0.1', port: target.port });
    return { stream, there: await within('the connection', came) };
  };
  const first = await open();
  const left = fate(first.there);
  first.stream.destroy();
  t.equal(await within('the target hears it', left), 'end');
  const second = await open();
  // More than the window takes: nobody reads there.
  second.stream.resume().write(Buffer.alloc(8 << 20));
  const failed = once(second.stream, 'error');
  const closed = new Promise<void>((resolve) => second.stream.once('close', () => resolve()));
  link.close();
  const [fault] = await within('its fault', failed);
  t.match(fault, { code: 'LINK_LOST' });
  await within('it closes', closed);
});
