import { setImmediate as turn } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Connection } from 'ssh2';
import { test } from 'tap';
import type { Endpoint } from '../../../src/core/model/endpoint.ts';
import type { Fault } from '../../../src/core/model/fault.ts';
import type { Link } from '../../../src/core/ssh/link/link.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { idOf, type Innards, type Rogue, sendMessage, startRogue } from '../../fixtures/rogue-server.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

const target: Endpoint = { kind: 'tcp', host: '127.0.0.1', port: 9 };
const from = { address: '127.0.0.1', port: 1 };
const chunk = Buffer.alloc(32 * 1024 - 64, 65);

async function linkTo(t: Owner, rogue: Rogue): Promise<Link> {
  const server = await startRogue(t, rogue);
  return openTestLink(t, server, { quicken: rogue.exec !== undefined });
}

function loss(link: Link, timeout = 15_000): Promise<Fault> {
  return within('the loss of the link', new Promise<Fault>((resolve) => link.onLost(resolve)), timeout);
}

/** Sends without a look at any window, until the client has left; how many bytes it got away with. */
async function flood(send: () => void, link: Link): Promise<number> {
  let sent = 0;
  while (link.fault === null && sent < 64 * 1024 * 1024) {
    send();
    sent += chunk.length;
    await turn();
  }
  return sent;
}

test('a server that sends more than its window allows is cut off, and fills no memory', async (t) => {
  let go: (innards: Innards, id: number) => void = () => undefined;
  const opened = new Promise<[Innards, number]>((resolve) => {
    go = (innards, id) => resolve([innards, id]);
  });
  const link = await linkTo(t, { forward: (channel, innards) => go(innards, idOf(channel)) });
  const channel = await link.dial(target, from);
  channel.pause();
  const lost = loss(link);
  const [innards, id] = await opened;
  const sent = await flood(() => innards.channelData(id, chunk), link);
  t.match(await lost, { code: 'PROTOCOL_ERROR', message: /sent more data than it was allowed/ });
  t.ok(sent < 4 * 1024 * 1024, `cut after ${sent} bytes`);
});

test('error text on a forwarded connection is no way round the window', async (t) => {
  let go: (innards: Innards, id: number) => void = () => undefined;
  const opened = new Promise<[Innards, number]>((resolve) => {
    go = (innards, id) => resolve([innards, id]);
  });
  const link = await linkTo(t, { forward: (channel, innards) => go(innards, idOf(channel)) });
  await link.dial(target, from);
  const lost = loss(link);
  const [innards, id] = await opened;
  innards.channelExtData(id, chunk, 1);
  t.match(await lost, { code: 'PROTOCOL_ERROR', message: /error text on a forwarded connection/ });
});

test('a command that is never answered is no way round the window', async (t) => {
  let go: (innards: Innards, id: number) => void = () => undefined;
  const asked = new Promise<[Innards, number]>((resolve) => {
    go = (innards, id) => resolve([innards, id]);
  });
  const link = await linkTo(t, { exec: (id, innards) => go(innards, id) });
  const lost = loss(link);
  const [innards, id] = await asked;
  const sent = await flood(() => innards.channelData(id, chunk), link);
  t.match(await lost, { code: 'PROTOCOL_ERROR' });
  t.ok(sent < 8 * 1024 * 1024, `cut after ${sent} bytes`);
});

test('a server that takes packets of no size is cut off before anything is written', async (t) => {
  for (const packet of [0, 1]) {
    const link = await linkTo(t, { packet });
    const lost = loss(link);
    await t.rejects(link.dial(target, from), { code: 'PROTOCOL_ERROR' });
    t.match(await lost, { code: 'PROTOCOL_ERROR', message: new RegExp(`packets of ${packet} bytes`) });
  }
});

test('a disconnect message ends the link, though the connection stays open', async (t) => {
  const link = await linkTo(t, {
    welcome: (_client, innards, socket) => {
      // The message, but no end of the stream behind it.
      socket.end = () => socket;
      socket.destroySoon = () => undefined;
      setImmediate(() => innards.disconnect(2));
    },
  });
  t.match(await loss(link), { code: 'LINK_LOST' });
});

test('what a server says as it ends a link is told with it, and obeyed by no terminal', async (t) => {
  const text = 'closed for\r\nthe night\u001b[2J\u001b]52;c;eA==\u0007\u202e';
  const link = await linkTo(t, {
    welcome: (_client, innards) => setImmediate(() => sendMessage(innards, disconnect(2, text))),
  });
  const { code, message } = await loss(link);
  t.equal(code, 'LINK_LOST');
  t.match(message, /^the link to .* was lost \(closed for.*\); reconnecting$/);
  t.ok(message.includes(String.raw`closed for\r\nthe night\x1b[2J\x1b]52;c;eA==\x07\u{202e}`), message);
});

/** RFC 4253 section 11.1: the number of a reason, and a text for people. */
function disconnect(reason: number, text: string): Buffer {
  const said = Buffer.from(text);
  const message = Buffer.alloc(1 + 4 + 4 + said.length + 4);
  message[0] = 1;
  message.writeUInt32BE(reason, 1);
  message.writeUInt32BE(said.length, 5);
  said.copy(message, 9);
  return message;
}

test('Unix targets are asked for on servers that do not call themselves OpenSSH', async (t) => {
  const link = await linkTo(t, { ident: 'Teleport' });
  const channel = await link.dial({ kind: 'unix', path: '/run/x.sock' }, from);
  channel.close();
  t.equal(link.fault, null, 'the link lives');
});

test('a channel that is closed without an end was cut on OpenSSH; others close so all the time', async (t) => {
  for (const [ident, cut] of [
    ['OpenSSH_9.9', true],
    ['Go', false],
  ] as const) {
    const link = await linkTo(t, {
      ident,
      forward: (channel, innards) => {
        innards.channelData(idOf(channel), Buffer.from('half'));
        innards.channelClose(idOf(channel));
      },
    });
    const channel = await link.dial(target, from);
    channel.resume();
    await within('the end', new Promise((resolve) => channel.once('end', resolve)));
    t.equal(link.wasCut(channel), cut, ident);
  }
});

test('a server that asks by the thousand and takes no answer is cut off', async (t) => {
  let begin: (pings: () => void) => void = () => undefined;
  const asked = new Promise<() => void>((resolve) => {
    begin = resolve;
  });
  const link = await linkTo(t, {
    welcome: (_client, innards, socket) => {
      setImmediate(() => {
        socket.removeAllListeners('data');
        socket.pause();
        begin(() => innards.ping());
      });
    },
  });
  // The server's own packets take their time on a busy machine.
  const lost = loss(link, 60_000);
  const ping = await asked;
  for (let n = 0; n < 2_000_000 && link.fault === null; n += 1) {
    ping();
    if (n % 200 === 0) await turn();
  }
  t.match(await lost, { code: 'PROTOCOL_ERROR', message: /takes no answer/ });
});

/** Sends one message after the other as fast as they are taken, until it may stop. */
async function pour(socket: Socket, send: () => void, enough: () => boolean): Promise<number> {
  let sent = 0;
  for (; !enough(); sent += 1) {
    send();
    while (socket.writableLength > 256 * 1024 && !socket.destroyed) await turn();
    if (sent % 100 === 0) await turn();
  }
  return sent;
}

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** MiB that this process holds, the server in it too. */
function held(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 / 1024;
}

/** Waits until what a flood brought is gone again: buffers are freed a little after their last use. */
const freed = (before: number) => waitUntil('a flood leaves nothing behind', () => held() - before < 8, { every: 100 });

test('channels that nobody asked for are refused, counted and told once, and the link lives', async (t) => {
  let begin: (client: Connection) => void = () => undefined;
  const welcomed = new Promise<Connection>((resolve) => {
    begin = resolve;
  });
  const server = await startRogue(t, { welcome: (client) => begin(client) });
  const notes: string[] = [];
  const link = await openTestLink(t, server, { quicken: false, notes });
  const client = await welcomed;
  type Open = (done: (error: Error | undefined) => void) => void;
  const opens: Readonly<Record<string, Open>> = {
    'forwarded-tcpip': (done) => client.forwardOut('127.0.0.1', 22, '127.0.0.1', 1, done),
    'forwarded-streamlocal': (done) => client.openssh_forwardOutStreamLocal('/run/x.sock', done),
    x11: (done) => client.x11('127.0.0.1', 1, done),
  };
  const agent = client as unknown as { _protocol: Innards };
  agent._protocol.openssh_authAgent(99, 1_000, 1_000);
  for (const [type, open] of Object.entries(opens)) {
    const error = await within(type, new Promise<Error | undefined>(open));
    t.match(error, { message: /open failure/ }, type);
  }
  t.equal(link.fault, null);
  t.match(notes, [/opened a channel that nobody asked for \("auth-agent@openssh\.com"\); it was refused/]);
  t.equal(notes.length, 1, 'told once');
  link.close();
  t.match(notes[1], /opened 4 channels that nobody asked for; each was refused$/);
});

test('channels by the thousand that nobody asked for fill no memory', async (t) => {
  let begin: (parts: readonly [Innards, Socket]) => void = () => undefined;
  const welcomed = new Promise<readonly [Innards, Socket]>((resolve) => {
    begin = resolve;
  });
  const server = await startRogue(t, { welcome: (_client, innards, socket) => begin([innards, socket]) });
  const notes: string[] = [];
  const link = await openTestLink(t, server, { quicken: false, notes });
  const [innards, socket] = await welcomed;
  const many = 20_000;
  let opened = 0;
  const open = () => innards.x11(opened++, 1_000, 1_000, { originAddr: '127.0.0.1', originPort: 1 });
  await pour(socket, open, () => opened === 1_000);
  const before = held();
  await pour(socket, open, () => opened === many);
  await link.roundTrip();
  await freed(before);
  t.equal(link.fault, null);
  t.equal(notes.length, 1);
  link.close();
  t.match(notes[1], new RegExp(`opened ${many} channels`));
});

test('a server that talks without end and answers nothing fills no memory, and nobody waits for it for ever', async (t) => {
  let begin: (parts: readonly [Innards, Socket]) => void = () => undefined;
  const welcomed = new Promise<readonly [Innards, Socket]>((resolve) => {
    begin = resolve;
  });
  const server = await startRogue(t, {
    welcome: (_client, innards, socket) => {
      // After the request that it is welcomed for, it hears nothing any more.
      setImmediate(() => {
        socket.removeAllListeners('data').pause();
        begin([innards, socket]);
      });
    },
  });
  const link = await openTestLink(t, server, { quicken: false, deadlines: { open: 400 } });
  const [innards, socket] = await welcomed;
  const ignore = Buffer.alloc(16 * 1024, 65);
  ignore[0] = 2;
  let over = false;
  const before = held();
  const dialed = link.dial(target, from).finally(() => {
    over = true;
  });
  const [sent] = await Promise.all([
    pour(
      socket,
      () => sendMessage(innards, ignore),
      () => over,
    ),
    t.rejects(dialed, { code: 'OPEN_TIMEOUT', message: /did not open 127\.0\.0\.1:9 within 20 s/ }),
  ]);
  t.comment(`${sent} ignored messages of 16 KiB in 20 s`);
  t.ok(sent > 1_000, 'it was a flood: twice what may be left behind');
  await freed(before);
  t.equal(link.fault, null);
});

test('a server that talks without end instead of letting anybody in is left after the deadline', async (t) => {
  const [ignored, banner] = [2, 53];
  for (const type of [ignored, banner]) {
    const text = Buffer.alloc(16 * 1024, 65);
    text[0] = type;
    if (type === banner) {
      text.writeUInt32BE(text.length - 9, 1);
      text.writeUInt32BE(0, text.length - 4);
    }
    let sent = 0;
    const server = await startRogue(t, {
      login: (_context, innards, socket) => {
        const flood = () => sendMessage(innards, text);
        void pour(socket, flood, () => socket.destroyed || !socket.writable).then((count) => {
          sent += count;
        });
      },
    });
    const before = held();
    await t.rejects(openTestLink(t, server, { deadlines: { auth: 2_000 } }), { code: 'AUTH_TIMEOUT' }, String(type));
    await waitUntil('the flood ends', () => sent > 0);
    t.comment(`${sent} messages of the type ${type}`);
    t.ok(sent > 1_000, `${sent} messages`);
    await freed(before);
  }
});
