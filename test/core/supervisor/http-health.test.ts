import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'tap';
import { WebSocketServer } from 'ws';
import { Secret } from '../../../src/core/model/secret.ts';
import { Fault } from '../../../src/core/model/fault.ts';
import { probeHttp } from '../../../src/core/probe/http.ts';
import type { ShownToken } from '../../../src/core/probe/shown-token.ts';
import { dialAlone } from '../../../src/core/probe/probe.ts';
import { probeWebsocket } from '../../../src/core/probe/websocket.ts';
import { keep } from '../../fixtures/backend.ts';
import { startHttp, startWebSocket } from '../../fixtures/backend-web.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';

const token = 'tk-5f0a3c9e1b7d4826a0c2e4f6';
const signal = new AbortController().signal;
const health = { path: '/', status: null, body: null, every: 1_000, timeout: 1_000, rise: 1, fall: 1 };

test('an http probe makes connected mean that the right status came back', async (t) => {
  const sshd = await startSshd(t);
  const { port } = await startHttp(t);
  const quick = { kind: 'http', every: '1s', timeout: '1s', fall: 1 };
  const forward = (more: object) => ({
    host: 'test',
    forwards: [{ listen: 0, target: port, health: { ...quick, ...more } }],
  });
  const relays = await supervise(t, sshd, {
    any: forward({}),
    exact: forward({ path: '/status/418', status: 418 }),
    unwell: forward({ path: '/status/503' }),
    locked: forward({ path: '/status/403' }),
  });
  t.match((await relays.reach('any', 'connected')).standing, { verified: true, reason: '' });
  await relays.reach('exact', 'connected');
  const { fault } = (await relays.reach('unwell', 'degraded')).standing;
  t.match(fault, { code: 'PROBE_FAILED', message: /answers 503 instead of 200 to 399; look at the backend/ });
  t.match((await relays.reach('locked', 'degraded')).standing.fault, { code: 'TOKEN_MISSING', message: /answers 403/ });
});

test('an http probe may ask for a text, of which a server that never ends its answer sends 64 KiB and not much more', async (t) => {
  const link = await openTestLink(t, await startSshd(t));
  const text = 'ready: yes';
  let sent = 0;
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    switch (request.url) {
      case '/cut':
        response.write('<p>ready: ');
        return void setImmediate(() => response.end('yes</p>'));
      case '/late':
        return void response.end(`${'x'.repeat(64 * 1024 - text.length + 1)}${text}`);
      case '/last':
        return void response.end(`${'x'.repeat(64 * 1024 - text.length)}${text}`);
      case '/broken':
        response.write('ready: ', () => response.destroy());
        return;
      case '/wrong':
        return void response.writeHead(500).end(text);
      default: {
        const more = () => {
          for (let room = true; room && !response.destroyed; ) {
            sent += 1_024;
            room = response.write('x'.repeat(1_024));
          }
        };
        response.on('drain', more);
        more();
      }
    }
  });
  const { port } = await keep(t, server, 0);
  const target = { kind: 'tcp', host: '127.0.0.1', port } as const;
  const ask = (path: string) =>
    probeHttp(() => dialAlone(link, target), target, { ...health, kind: 'http', path, body: text }, signal).then(
      () => 'well',
      (error: unknown) => Fault.from(error),
    );
  t.equal(await ask('/cut'), 'well', 'in two pieces');
  t.equal(await ask('/last'), 'well', 'at the end of the 64 KiB');
  const without =
    /^127\.0\.0\.1:\d+ answers 200 without "ready: yes" in its first 64 KiB; look at the backend, or correct health\.body$/;
  for (const path of ['/late', '/broken', '/endless']) {
    t.match(await ask(path), { code: 'PROBE_FAILED', message: without }, path);
  }
  t.comment(`measured ${Math.round(sent / 1_024)} KiB that a backend without an end could send to a probe`);
  t.ok(sent < 8 * 1024 * 1024, `${sent} bytes, buffers on the way included`);
  t.match(await ask('/wrong'), { code: 'PROBE_FAILED', message: /answers 500 instead of 200 to 399/ });
});

test('a probe that has a token shows it, and says which is wrong: none, or that one', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const mains = await startWebSocket(t, { token });
  const server = createServer((request, response) => {
    response.writeHead(request.headers.authorization === `token ${token}` ? 200 : 401).end();
  });
  const { port } = await keep(t, server, 0);
  const targetAt = (at: number) => ({ kind: 'tcp', host: '127.0.0.1', port: at }) as const;
  const dialTo = (at: number) => () => link.dial(targetAt(at), { address: '127.0.0.1', port: 0 });
  const probes = [
    async (shown: ShownToken | null) =>
      probeHttp(dialTo(port), targetAt(port), { ...health, kind: 'http' }, signal, shown),
    async (shown: ShownToken | null) =>
      probeWebsocket(dialTo(mains.port), targetAt(mains.port), { ...health, kind: 'websocket' }, signal, shown),
  ];
  const wires = [
    { in: 'header', name: 'Authorization', before: 'token ' },
    { in: 'subprotocol', protocols: ['mains.v1'], before: 'mains.token.' },
  ] as const;
  for (const [index, probe] of probes.entries()) {
    const wire = wires[index] ?? wires[0];
    const said = (shown: ShownToken | null) =>
      probe(shown).then(
        () => 'well',
        (error: unknown) => Fault.from(error).code,
      );
    t.equal(await said({ wire, token: new Secret(token) }), 'well');
    t.equal(await said({ wire, token: new Secret('another') }), 'TOKEN_REFUSED');
    t.equal(await said(null), 'TOKEN_MISSING');
  }
});

test('a websocket that has no address of its own is asked as localhost, and a fault quotes no token', async (t) => {
  const link = await openTestLink(t, await startSshd(t));
  const path = join(makeTemp(t, 'ws'), 'a b.sock');
  const hosts: unknown[] = [];
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    hosts.push(request.headers.host);
    if (request.url === `/?token=${token}`) sockets.handleUpgrade(request, socket, head, () => undefined);
    else socket.end('HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n');
  });
  server.listen(path);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const wire = { in: 'query', name: 'token' } as const;
  const ask = (text: string) =>
    probeWebsocket(
      () => dialAlone(link, { kind: 'unix', path }),
      { kind: 'unix', path },
      { ...health, kind: 'websocket' },
      signal,
      {
        wire,
        token: new Secret(text),
      },
    );
  await ask(token);
  t.same(hosts, ['localhost']);
  const fault = Fault.from(await ask('wr0ng').catch((error: unknown) => error));
  t.match(fault, { code: 'PROBE_FAILED', message: /a b\.sock answers 500/ });
  t.notMatch(fault.message, 'wr0ng');
});
