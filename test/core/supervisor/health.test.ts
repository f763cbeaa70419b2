import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'tap';
import { WebSocketServer } from 'ws';
import { startEcho, startSilent } from '../../fixtures/backend.ts';
import { freePort } from '../../fixtures/port.ts';
import { startHttp } from '../../fixtures/backend-web.ts';
import { fateOf } from '../../fixtures/client.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';

const quick = { every: '1s', timeout: '1s', rise: 1, fall: 2 };

/** A WebSocket server that answers handshakes as `status` says at the time: 101, or a refusal. */
async function websocketServer(t: Owner, status: () => number): Promise<number> {
  const http = createServer((_request, response) => response.writeHead(426).end());
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket, head) => {
    const code = status();
    if (code === 101) sockets.handleUpgrade(request, socket, head, () => undefined);
    // Nobody reads this socket: it would never notice that the prober has gone.
    else socket.end(`HTTP/1.1 ${code} No\r\nConnection: close\r\n\r\n`, () => socket.destroy());
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.teardown(() => {
    for (const client of sockets.clients) client.terminate();
    http.close();
    http.closeAllConnections();
  });
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

test('a websocket probe makes connected mean that the right answer came back', async (t) => {
  const sshd = await startSshd(t);
  let code = 101;
  const port = await websocketServer(t, () => code);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [{ listen: 0, target: port, health: { kind: 'websocket', ...quick } }] },
  });
  t.match((await relays.reach('r', 'connected')).standing, { verified: true, reason: '' });
  code = 500;
  t.match((await relays.reach('r', 'degraded')).standing.fault, {
    code: 'PROBE_FAILED',
    message: /answers 500 instead of a WebSocket handshake/,
  });
  code = 401;
  await relays.next('the token', (event) => event.type === 'forward.judged' && event.fault?.code === 'TOKEN_MISSING');
  code = 101;
  await relays.reach('r', 'connected');
  t.equal(sshd.log().match(/Accepted publickey/g)?.length, 1, 'probes open no login of their own');
});

test('a backend that accepts and is silent, or speaks another protocol, is degraded by name', async (t) => {
  const sshd = await startSshd(t);
  const silent = await startSilent(t);
  const echo = await startEcho(t);
  const health = { kind: 'websocket', ...quick };
  const relays = await supervise(t, sshd, {
    silent: { host: 'test', forwards: [{ listen: 0, target: silent.port, health }] },
    echo: { host: 'test', forwards: [{ listen: 0, target: echo.port, health }] },
  });
  t.match((await relays.reach('silent', 'degraded')).standing.fault, {
    code: 'PROBE_FAILED',
    message: /gave no WebSocket answer within 1 s/,
  });
  t.match((await relays.reach('echo', 'degraded')).standing.fault, {
    code: 'PROBE_FAILED',
    message: /speaks no WebSocket/,
  });
});

test('a tcp probe falls after fall failures and rises again', async (t) => {
  const sshd = await startSshd(t);
  const port = await freePort();
  const first = await startEcho(t, port);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [{ listen: 0, target: port, health: { kind: 'tcp', ...quick } }] },
  });
  t.match((await relays.reach('r', 'connected')).standing, { verified: true });
  await first.close();
  t.match((await relays.reach('r', 'degraded')).standing.fault, { code: 'TARGET_REFUSED' });
  await startEcho(t, port);
  await relays.reach('r', 'connected');
});

test('a client that is refused has the check confirmed at once, not after three periods', async (t) => {
  const sshd = await startSshd(t);
  const port = await freePort();
  const backend = await startEcho(t, port);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [{ listen: 0, target: port, health: { kind: 'tcp', every: '1h', timeout: '1s' } }] },
  });
  await relays.reach('r', 'connected');
  await backend.close();
  t.equal(await fateOf(relays.port('r')), 'ECONNRESET');
  t.match((await relays.reach('r', 'degraded', 10_000)).standing.fault, { code: 'TARGET_REFUSED' });
});

test('health checks are no client traffic: after many of them every count is nought, and no client was seen', async (t) => {
  const sshd = await startSshd(t);
  const { port } = await startHttp(t);
  const websocket = await websocketServer(t, () => 101);
  const health = (kind: string) => ({ kind, every: '1s', timeout: '1s' });
  const relays = await supervise(t, sshd, {
    r: {
      host: 'test',
      forwards: [
        { listen: 0, target: port, health: health('http') },
        { listen: 0, target: websocket, health: health('websocket') },
        { listen: 0, target: port, health: health('tcp') },
      ],
    },
  });
  await relays.reach('r', 'connected');
  const rounds = 3;
  let seen = relays.status('r').counters.rtt;
  for (let round = 0; round < rounds; round += 1) {
    // Each check has a round trip of its own; nothing else tells of it, and that is the point.
    await waitUntil('another round of checks', () =>
      relays.status('r').counters.rtt.every((one, at) => one !== null && one !== seen[at]),
    );
    seen = relays.status('r').counters.rtt;
  }
  t.match(relays.status('r').counters, { open: 0, held: 0, accepted: 0, refused: 0, sent: 0, received: 0 });
  t.notOk(relays.events.some(({ type }) => type === 'connection.refused'));
  t.equal(sshd.log().match(/Accepted publickey/g)?.length, 1, 'and none has a login of its own');
});

test('the time that a relay took to come back is in its status', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const health = { kind: 'tcp', ...quick };
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [{ listen: 0, target: echo.port, health }] },
  });
  const { recovery } = await relays.reach('r', 'connected');
  t.strictSame(recovery, { lostAt: null, count: 0, last: null });
  for (const count of [1, 2]) {
    const began = Date.now();
    const { id } = relays.supervisor.status();
    sshd.killSessions();
    await relays.next('the way back', () => relays.status('r').recovery.count === count, id);
    const { last } = relays.status('r').recovery;
    t.comment(`measured ${last?.took} ms from the loss of a link until the relay was connected again`);
    t.ok(last !== null && last.took > 0 && last.took <= Date.now() - began, `${last?.took} ms`);
    t.ok(last !== null && last.at >= began && last.at <= Date.now());
  }
});
