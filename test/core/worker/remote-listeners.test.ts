import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection, ServerChannel } from 'ssh2';
import { test } from 'tap';
import { loadConfig } from '../../../src/core/config/load.ts';
import type { Endpoint } from '../../../src/core/model/endpoint.ts';
import { Fault } from '../../../src/core/model/fault.ts';
import { Guests } from '../../../src/core/plugin/guests.ts';
import { remoteHost } from '../../../src/core/ssh/link/remote-host.ts';
import { windowBudget } from '../../../src/core/ssh/link/receive-window.ts';
import { explainRefusal } from '../../../src/core/worker/clients/remote-refusal.ts';
import { RemoteListeners } from '../../../src/core/worker/clients/remote-listeners.ts';
import { startEcho, startTcp } from '../../fixtures/backend.ts';
import { dial, exchange, readAll } from '../../fixtures/client.ts';
import { openTestLink, type TestLinkOptions } from '../../fixtures/link.ts';
import { freePort } from '../../fixtures/port.ts';
import { startRogue } from '../../fixtures/rogue-server.ts';
import { startRoads } from '../../fixtures/roads.ts';
import { type Sshd, startSshd } from '../../fixtures/sshd.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

/** The `remote` forwards of a lane, without the lane. */
function listeners(t: Owner, forwards: readonly string[]) {
  const file = join(makeTemp(t, 'config'), 'towline.json');
  writeFileSync(file, JSON.stringify({ relays: { r: { host: 'test', forwards } } }), { mode: 0o600 });
  const [relay] = loadConfig(file).relays;
  if (relay === undefined) throw new Error('it has no relay');
  const news = { bound: [] as Endpoint[], failed: [] as Fault[], refused: [] as Fault[] };
  const traffic = { sent: 0, received: 0 };
  const remote = new RemoteListeners(relay, new Guests(() => undefined), traffic, windowBudget(), {
    bound: (_, listen) => news.bound.push(listen),
    failed: (_, fault) => news.failed.push(fault),
    refused: (_, fault) => news.refused.push(fault),
    left: () => undefined,
  });
  t.teardown(() => {
    remote.stop();
    remote.cut(null);
  });
  return { remote, news };
}

/** A link over a road whose way back can be held up: what the server says comes later, and in one piece. */
async function startHeld(t: Owner, options: TestLinkOptions = {}) {
  const sshd = await startSshd(t, { config: ['LogLevel DEBUG3'] });
  const roads = await startRoads(t, sshd, ['far']);
  const link = await openTestLink(t, roads, { ...options, host: 'far', quicken: false });
  await link.roundTrip();
  const hold = () => roads.road.far.add({ kind: 'timeout' }, 'down');
  return { sshd, link, hold };
}

/** Waits until sshd listens: it says so before it does, and then makes a channel of the listener. */
const listensThere = (sshd: Sshd, port: number) =>
  sshd.waitForLog(new RegExp(`listening on 127\\.0\\.0\\.1 port ${port}[^]*?new .*port[ -]listener`));

/** Whether anybody takes a client there. */
async function listens(port: number): Promise<boolean> {
  const client = await dial(port).catch(() => null);
  client?.destroy();
  return client !== null;
}

test('a client of the other side that comes with the very news that it listens there is served', async (t) => {
  const echo = await startEcho(t);
  const port = await freePort();
  const { remote, news } = listeners(t, [`remote:${port}:127.0.0.1:${echo.port}`]);
  const { sshd, link, hold } = await startHeld(t);
  const release = hold();
  remote.begin(link);
  await listensThere(sshd, port);
  const client = await dial(port);
  const answer = readAll(client);
  client.end('first');
  // SSH_MSG_CHANNEL_OPEN.
  await sshd.waitForLog(/send packet: type 90/);
  t.same(news.bound, [], 'nobody knows of it yet');
  release();
  t.equal(String(await within('its answer', answer)), 'first');
  t.same(news.bound, [{ kind: 'tcp', host: '127.0.0.1', port }]);
  t.match(remote.counts, { accepted: 1 });
});

test('a client that comes in one piece with the news is served; it is not when the lane was given up meanwhile', async (t) => {
  for (const stopped of [false, true]) {
    const echo = await startEcho(t);
    const heard: string[] = [];
    const { remote, news } = listeners(t, [`remote:9000:127.0.0.1:${echo.port}`]);
    const rogue = await startRogue(t, {
      welcome: (client, _, socket) => {
        client.on(
          'request' as never,
          ((accept: () => void, _reject: () => void, name: string) => {
            if (name !== 'tcpip-forward') return void heard.push('given back');
            if (stopped) remote.stop();
            socket.cork();
            accept();
            client.forwardOut('127.0.0.1', 9_000, '10.0.0.1', 4_000, ((error: unknown, one: ServerChannel) => {
              if (error) heard.push('refused');
              else one.on('data', (chunk: Buffer) => heard.push(String(chunk))).write('together');
            }) as never);
            socket.uncork();
          }) as never,
        );
      },
    });
    const link = await openTestLink(t, rogue, { quicken: false });
    remote.begin(link);
    await waitUntil('it is heard', () => heard.length === (stopped ? 2 : 1));
    t.same(heard.toSorted(), stopped ? ['given back', 'refused'] : ['together']);
    t.same([news.bound.length, echo.accepted()], stopped ? [0, 0] : [1, 1]);
  }
});

test('a client that comes before the news waits for it: then it is served, or refused with it', async (t) => {
  const echo = await startEcho(t);
  const path = '/run/there';
  const { remote, news } = listeners(t, [
    `remote:9000:127.0.0.1:${echo.port}`,
    `remote:unix:${path}:127.0.0.1:${echo.port}`,
    `remote:9001:127.0.0.1:${echo.port}`,
  ]);
  const heard: string[] = [];
  const judge = (name: string, from: Connection) =>
    new Promise<void>((resolve) => {
      const opened = (error: Error | undefined, channel?: NodeJS.ReadWriteStream) => {
        if (error || channel === undefined) heard.push(`${name} refused`);
        else channel.on('data', (chunk) => heard.push(`${name} ${chunk}`)).write('early');
      };
      if (name === path) from.openssh_forwardOutStreamLocal(path, opened as never);
      else from.forwardOut('127.0.0.1', Number(name), '10.0.0.1', 4_000, opened as never);
      resolve();
    });
  // Servers that listen in a thread of its own do so; sshd never does.
  const rogue = await startRogue(t, {
    welcome: (client) => {
      client.on(
        'request' as never,
        ((accept: () => void, reject: () => void, _: string, info: object) => {
          const name = 'bindPort' in info ? String(info.bindPort) : path;
          void judge(name, client).then(name === '9001' ? reject : accept);
        }) as never,
      );
    },
  });
  const link = await openTestLink(t, rogue, { quicken: false });
  remote.begin(link);
  await waitUntil('all three have heard', () => heard.length === 3);
  t.same(heard.toSorted(), [`${path} early`, '9000 early', '9001 refused'].toSorted());
  t.equal(news.bound.length, 2);
  t.equal(echo.accepted(), 2);
});

test('a listener that is granted when nobody waits for it any more is given back: nothing stays bound there', async (t) => {
  const echo = await startEcho(t);
  const port = await freePort();
  const { sshd, link, hold } = await startHeld(t);
  const { remote, news } = listeners(t, [`remote:${port}:127.0.0.1:${echo.port}`]);
  const release = hold();
  remote.begin(link);
  await listensThere(sshd, port);
  const early = await dial(port);
  const fate = readAll(early);
  await sshd.waitForLog(/send packet: type 90/);
  remote.stop();
  release();
  t.equal(String(await within('the end of who came meanwhile', fate)), '');
  await waitUntil('the port is free', async () => !(await listens(port)));
  t.same([news.bound, echo.accepted(), link.fault], [[], 0, null]);
});

test('a listener that is granted after its deadline is given back, and asked for anew', async (t) => {
  const echo = await startEcho(t);
  const port = await freePort();
  const { sshd, link, hold } = await startHeld(t, { deadlines: { open: 300 } });
  const release = hold();
  const listen = { kind: 'tcp', host: '127.0.0.1', port } as const;
  const asked = link.listen(listen, () => undefined);
  const silent = Fault.from(await asked.catch((error: unknown) => error));
  t.match(silent, { code: 'LISTEN_UNAVAILABLE', message: /did not say within 0\.3 s/ });
  await listensThere(sshd, port);
  release();
  await waitUntil('the port is free', async () => !(await listens(port)));
  t.equal(link.fault, null);
  t.equal(await explainRefusal(remoteHost(link), 'there', listen, silent), silent, 'it said nothing of its policy');
  const { remote, news } = listeners(t, [`remote:${port}:127.0.0.1:${echo.port}`]);
  remote.begin(link);
  await waitUntil('it listens', () => news.bound.length === 1);
  t.equal(String(await exchange(port, 'at last')), 'at last');
});

test('who is appointed again and again over one link leaves nothing behind at it', async (t) => {
  const echo = await startEcho(t);
  const { remote, news } = listeners(t, [`remote:0:127.0.0.1:${echo.port}`]);
  const link = await openTestLink(t, await startSshd(t), { quicken: false });
  const there = link.onLost.bind(link);
  let listening = 0;
  link.onLost = (listener) => {
    listening += 1;
    const forget = there(listener);
    return () => {
      listening -= 1;
      forget();
    };
  };
  for (let round = 1; round <= 3; round += 1) {
    remote.begin(link);
    await waitUntil('it listens', () => news.bound.length === round);
    t.ok(listening > 0, 'it hears of the loss');
    remote.stop();
    t.equal(listening, 0);
  }
});

test('a client of the other side that cannot be taken leaves no connection to its target behind', async (t) => {
  const target = await startTcp(t, 0, (socket) => void socket.resume());
  const { remote, news } = listeners(t, [`remote:0:127.0.0.1:${target.port}`]);
  const link = await openTestLink(t, await startSshd(t), { quicken: false });
  const there = link.listen.bind(link);
  const cannot = () => {
    throw new Error('it is gone');
  };
  link.listen = (listen, take, windows) =>
    there(listen, (incoming, at) => take({ ...incoming, accept: cannot }, at), windows);
  remote.begin(link);
  await waitUntil('it listens', () => news.bound.length === 1);
  const [at] = news.bound;
  const client = await dial(at?.kind === 'tcp' ? at.port : 0);
  t.equal(String(await within('its end', readAll(client))), '');
  await waitUntil('it is told', () => news.refused.length === 1);
  t.equal(target.accepted(), 1, 'the target was dialed');
  await waitUntil('that is closed', () => target.sockets.size === 0);
  t.match(remote.counts, { open: 0, accepted: 1 });
  t.equal(link.fault, null);
});
