import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { test } from 'tap';
import type { TokenDoor, TokenWire } from '../../../src/core/model/backend.ts';
import { Fault } from '../../../src/core/model/fault.ts';
import type { Dial } from '../../../src/core/model/plugin.ts';
import { Secret } from '../../../src/core/model/secret.ts';
import { checkToken } from '../../../src/core/probe/token-check.ts';
import { keep, startEcho, startSilent } from '../../fixtures/backend.ts';
import { startWebSocket } from '../../fixtures/backend-web.ts';
import type { Owner } from '../../fixtures/temp.ts';

const token = 'tk-5f0a3c9e1b7d4826a0c2e4f6';
const signal = new AbortController().signal;

const wires: readonly TokenWire[] = [
  { in: 'query', name: 'token' },
  { in: 'header', name: 'authorization', before: 'token ' },
  { in: 'basic', user: 'opencode' },
  { in: 'subprotocol', protocols: ['mains.v1'], before: 'mains.token.' },
];

/** All that was asked for, as it arrived: whoever answers there could have kept it. */
interface Asked {
  readonly port: number;
  readonly seen: string[];
}

/** Answers each request as `status` says of the token in it; 101 agrees to a handshake. */
async function serve(t: Owner, status: (shown: string, request: IncomingMessage) => number): Promise<Asked> {
  const seen: string[] = [];
  const judge = (request: IncomingMessage): number => {
    const { url = '', headers } = request;
    const basic = Buffer.from(/^Basic (.*)$/.exec(headers.authorization ?? '')?.[1] ?? '', 'base64').toString();
    const all = [url, headers.authorization, basic, headers['sec-websocket-protocol']].join(' ');
    seen.push(all);
    return status(all.includes(token) ? token : all, request);
  };
  const server = createServer((request, response) => response.writeHead(judge(request)).end());
  server.on('upgrade', (request, socket) => {
    const code = judge(request);
    socket.end(`HTTP/1.1 ${code} X\r\nConnection: close\r\n\r\n`);
  });
  const { port } = await keep(t, server, 0);
  return { port, seen };
}

const dialTo =
  (port: number): Dial =>
  async () =>
    connect({ port, host: '127.0.0.1' });

async function fault(port: number, door: TokenDoor): Promise<string> {
  try {
    await checkToken(dialTo(port), door, new Secret(token), signal);
    return 'accepted';
  } catch (error) {
    const { code, message } = Fault.from(error);
    return `${code} ${message}`;
  }
}

test('the right token is accepted and a wrong one was refused before it, on each wire', async (t) => {
  for (const refusal of [401, 403, 400]) {
    for (const wire of wires.filter((one) => one.in !== 'subprotocol')) {
      const { port, seen } = await serve(t, (shown) => (shown === token ? 200 : refusal));
      const door: TokenDoor = { wire, kind: 'http', path: '/api/status?x=1' };
      t.equal(await fault(port, door), 'accepted', `${wire.in} ${refusal}`);
      t.equal(seen.length, 2);
      t.notMatch(seen[0], token);
      t.match(seen[1], token);
    }
  }
  const mains = await startWebSocket(t, { token });
  const door: TokenDoor = {
    wire: { in: 'subprotocol', protocols: ['mains.v1'], before: 'mains.token.' },
    kind: 'websocket',
    path: '/',
  };
  t.equal(await fault(mains.port, door), 'accepted');
});

test('whoever accepts any token, or refuses none, is foreign and never gets the real one', async (t) => {
  const cases: readonly (readonly [number, RegExp])[] = [
    [200, /BACKEND_FOREIGN .*accepts any token \(it answers 200 to a random one\)/],
    [204, /BACKEND_FOREIGN .*accepts any token/],
    [302, /BACKEND_FOREIGN .*answers 302 to a random token/],
    [404, /BACKEND_FOREIGN .*answers 404 to a random token/],
    [426, /BACKEND_FOREIGN .*answers 426 to a random token/],
    [500, /BACKEND_FOREIGN .*answers 500 to a random token/],
  ];
  for (const [status, reason] of cases) {
    for (const wire of wires) {
      const { port, seen } = await serve(t, () => status);
      const kind = wire.in === 'subprotocol' ? 'websocket' : 'http';
      t.match(await fault(port, { wire, kind, path: '/' }), wire.in === 'subprotocol' ? /BACKEND_FOREIGN/ : reason);
      t.equal(seen.length, 1, 'it was asked once');
      t.notMatch(seen.join(), token);
    }
  }
  const open = await startWebSocket(t);
  t.match(
    await fault(open.port, { wire: { in: 'query', name: 'token' }, kind: 'websocket', path: '/' }),
    /accepts any token \(it answers 101/,
  );
});

test('a backend that refuses the right token too has another one; one that breaks over it is unwell', async (t) => {
  const door: TokenDoor = { wire: { in: 'query', name: 'token' }, kind: 'http', path: '/' };
  const other = await serve(t, () => 403);
  t.match(await fault(other.port, door), /^TOKEN_REFUSED the backend answers 403 to the relay's token/);
  const login = await serve(t, (shown) => (shown === token ? 302 : 403));
  t.match(await fault(login.port, door), /^TOKEN_REFUSED .* 302/);
  const broken = await serve(t, (shown) => (shown === token ? 503 : 403));
  t.match(await fault(broken.port, door), /^PROBE_FAILED .* 503/);
  const old = await startWebSocket(t, { token: 'an-older-one' });
  t.match(
    await fault(old.port, { ...door, wire: { in: 'subprotocol', protocols: ['mains.v1'], before: 'mains.token.' } }),
    /^TOKEN_REFUSED .* 401/,
  );
});

test('who speaks no HTTP, says nothing, or pretends to a handshake is unwell, and gets no token', async (t) => {
  const door: TokenDoor = { wire: { in: 'query', name: 'token' }, kind: 'websocket', path: '/' };
  const echo = await startEcho(t);
  t.match(await fault(echo.port, door), /^PROBE_FAILED the backend speaks no HTTP/);
  const pretender = await serve(t, () => 101);
  t.match(await fault(pretender.port, door), /^PROBE_FAILED .* closed|^PROBE_FAILED .* without having understood/);
  t.notMatch(pretender.seen.join(), token);
  const silent = await startSilent(t);
  const stop = new AbortController();
  const asked = checkToken(dialTo(silent.port), door, new Secret(token), stop.signal);
  await silent.nextConnection();
  stop.abort(new Error('the link is lost'));
  await t.rejects(asked, /the link is lost/);
});
