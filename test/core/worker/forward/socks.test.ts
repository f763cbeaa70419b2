import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { test } from 'tap';
import { formatEndpoint } from '../../../../src/core/model/endpoint.ts';
import { Fault } from '../../../../src/core/model/fault.ts';
import { Intake } from '../../../../src/core/worker/forward/intake.ts';
import { readSocks, SocksRefusal } from '../../../../src/core/worker/forward/socks.ts';
import type { Owner } from '../../../fixtures/temp.ts';
import { within } from '../../../fixtures/wait.ts';

/** What a client that sends these pieces, one after the other is read, gets for an answer. */
async function hear(t: Owner, pieces: readonly Buffer[], end = true) {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  t.teardown(() => client.destroy());
  const [socket] = await within('the connection', accepted);
  t.teardown(() => socket.destroy());
  const said: Buffer[] = [];
  const intake = new Intake(socket);
  const never = new AbortController().signal;
  const read = readSocks(intake, (bytes) => said.push(bytes), never).then(
    (request) => ({ request, fault: null }),
    (error: unknown) => ({ request: null, fault: error instanceof Fault ? error : Fault.from(error) }),
  );
  for (const piece of pieces) {
    client.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (end) client.end();
  const { request, fault } = await within('what it wants', read);
  intake.release();
  return { request, fault, said: Buffer.concat(said), socket };
}

const hello = Buffer.from([5, 1, 0]);
const named = (host: string, port: number, command = 1) =>
  Buffer.concat([
    Buffer.from([5, command, 0, 3, host.length]),
    Buffer.from(host, 'latin1'),
    Buffer.from([port >> 8, port & 255]),
  ]);

test('what clients want is read in every version, in one piece or byte by byte', async (t) => {
  const four = (address: number[], tail: string, command = 1) =>
    Buffer.concat([Buffer.from([4, command, 0, 80, ...address]), Buffer.from(tail, 'latin1')]);
  const six = Buffer.from([5, 1, 0, 4, ...Array.from({ length: 15 }, () => 0), 1, 0, 80]);
  const rows: readonly (readonly [string, Buffer, string])[] = [
    ['5, a name', Buffer.concat([hello, named('db.internal', 5432)]), 'db.internal:5432'],
    ['5, IPv4', Buffer.concat([hello, Buffer.from([5, 1, 0, 1, 10, 0, 0, 5, 0, 80])]), '10.0.0.5:80'],
    ['5, IPv6', Buffer.concat([hello, six]), '[::1]:80'],
    ['5, many methods', Buffer.concat([Buffer.from([5, 3, 2, 1, 0]), named('h', 1)]), 'h:1'],
    ['4, an address', four([127, 0, 0, 1], 'me\0'), '127.0.0.1:80'],
    ['4a, a name', four([0, 0, 0, 7], '\0db.internal\0'), 'db.internal:80'],
  ];
  for (const [name, bytes, target] of rows) {
    for (const pieces of [[bytes], [...bytes].map((byte) => Buffer.from([byte]))]) {
      const { request, said } = await hear(t, pieces, false);
      t.equal(request === null ? null : formatEndpoint(request.target), target, `${name} in ${pieces.length}`);
      if (bytes[0] === 5) t.same([...said], [5, 0], 'it may go on without a password');
    }
  }
});

test('what was sent beyond the request is the first that the next reader gets', async (t) => {
  const { socket } = await hear(t, [Buffer.concat([hello, named('h', 80), Buffer.from('GET / HTTP/1.1\r\n')])], false);
  const [first] = await within('the rest', once(socket.resume(), 'data') as Promise<[Buffer]>);
  t.equal(first.toString(), 'GET / HTTP/1.1\r\n');
});

test('each refusal has its sentence and its reply', async (t) => {
  const rows: readonly (readonly [string, Buffer, RegExp, number[] | RegExp])[] = [
    ['a password', Buffer.from([5, 1, 2]), /insists on a user name or password/, [5, 0xff]],
    ['bind', Buffer.concat([hello, named('h', 80, 2)]), /asks for a listening port/, [5, 7, 0, 1, 0, 0, 0, 0, 0, 0]],
    ['udp', Buffer.concat([hello, named('h', 80, 3)]), /asks for UDP/, [5, 7, 0, 1, 0, 0, 0, 0, 0, 0]],
    ['kind', Buffer.concat([hello, Buffer.from([5, 1, 0, 9])]), /by a kind 9/, [5, 8, 0, 1, 0, 0, 0, 0, 0, 0]],
    [
      'a bad name',
      Buffer.concat([hello, named('a b;c', 80)]),
      /"a b;c" port 80, which is no address/,
      [5, 1, 0, 1, 0, 0, 0, 0, 0, 0],
    ],
    ['a dash', Buffer.concat([hello, named('-oX', 80)]), /"-oX"/, [5, 1, 0, 1, 0, 0, 0, 0, 0, 0]],
    ['port 0', Buffer.concat([hello, named('h', 0)]), /port 0/, [5, 1, 0, 1, 0, 0, 0, 0, 0, 0]],
    ['4, bind', Buffer.from([4, 2, 0, 80, 127, 0, 0, 1, 0]), /asks for a listening port/, [0, 91, 0, 0, 0, 0, 0, 0]],
    ['HTTP', Buffer.from('CONNECT h:80 HTTP/1.1\r\n'), /speaks HTTP to a SOCKS port/, /501 Not Implemented/],
    ['TLS', Buffer.from([0x16, 3, 1]), /first byte is 22/, []],
  ];
  for (const [name, bytes, text, reply] of rows) {
    const { fault } = await hear(t, [bytes], false);
    t.equal(fault?.code, 'SOCKS_INVALID', name);
    t.match(fault?.message, text, name);
    const sent = fault instanceof SocksRefusal ? fault.reply : Buffer.alloc(0);
    if (reply instanceof RegExp) t.match(sent.toString(), reply, name);
    else t.same([...sent], reply, name);
  }
});

test('a client that ends early, and a name without an end, are refused', async (t) => {
  t.match((await hear(t, [hello])).fault?.message, /ended before it had said where to/);
  t.match(
    (await hear(t, [Buffer.concat([Buffer.from([4, 1, 0, 80, 1, 1, 1, 1]), Buffer.alloc(300, 97)])], false)).fault
      ?.message,
    /longer than 255/,
  );
});

test('each way to fail has its reply', async (t) => {
  const five = await hear(t, [Buffer.concat([hello, named('h', 80)])], false);
  t.same(
    (['FORWARDING_REFUSED', 'TARGET_REFUSED', 'OPEN_TIMEOUT', 'LINK_LOST'] as const).map(
      (code) => five.request?.refused(code)[1],
    ),
    [2, 5, 6, 1],
  );
  t.equal(five.request?.granted[1], 0);
  const four = await hear(t, [Buffer.from([4, 1, 0, 80, 127, 0, 0, 1, 0])], false);
  t.same([four.request?.granted[1], four.request?.refused('TARGET_REFUSED')[1]], [90, 91]);
});
