import { once } from 'node:events';
import type { Connection, ServerChannel } from 'ssh2';
import { test } from 'tap';
import { startEcho, startTcp } from '../../fixtures/backend.ts';
import { dial, exchange, fate } from '../../fixtures/client.ts';
import { idOf, type Innards, startRogue } from '../../fixtures/rogue-server.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { within } from '../../fixtures/wait.ts';

// A server that closes one connection in the middle, and keeps the link: nobody else would tell of it. Only of sshd it is known that it says EOF
// before it closes.
const ident = 'OpenSSH_9.2';

test('a client whose connection the server closes in the middle is cut, and it is told, by name', async (t) => {
  const rogue = await startRogue(t, {
    ident,
    forward: (channel, innards) => {
      channel.on('data', () => {
        innards.channelData(idOf(channel), Buffer.from('half'));
        setImmediate(() => innards.channelClose(idOf(channel)));
      });
    },
  });
  const relays = await supervise(t, rogue, { r: { host: 'test', forwards: ['0:127.0.0.1:9'] } });
  await relays.reach('r', 'connected');
  const client = await dial(relays.port('r'));
  const ended = fate(client);
  client.write('x');
  const told = await relays.next('it is told', (event) => event.type === 'connection.refused');
  t.match(told, { relay: 'r', forward: 0, fault: { code: 'CONNECTION_CUT' }, count: 1 });
  t.equal(await within('its end', ended), 'ECONNRESET');
  t.match(relays.status('r'), { standing: { word: 'connected' }, counters: { refusedBy: { CONNECTION_CUT: 1 } } });
});

test('what becomes of a client whose forward was taken out of the config is told of no other forward', async (t) => {
  const rogue = await startRogue(t, {
    ident,
    forward: (channel, innards) => {
      channel.write('hello');
      channel.on('data', () => setImmediate(() => innards.channelClose(idOf(channel))));
    },
  });
  const relay = (...forwards: readonly string[]) => ({ r: { host: 'test', forwards } });
  const relays = await supervise(t, rogue, relay('0:127.0.0.1:9', '0:127.0.0.1:10'));
  await relays.reach('r', 'connected');
  const client = await dial(relays.port('r'));
  await within('a word', once(client, 'data'));
  await relays.reload(relay('0:127.0.0.1:10'));
  const ended = fate(client);
  client.write('x');
  const told = await relays.next('it is told', (event) => event.type === 'connection.refused');
  t.match(told, { relay: 'r', forward: null, fault: { code: 'CONNECTION_CUT' }, count: 1 });
  t.equal(await within('its end', ended), 'ECONNRESET');
  t.match(relays.status('r').lastFault, { code: 'CONNECTION_CUT', forward: undefined });
});

test('a client of the other side whose connection the server closes in the middle is told of too', async (t) => {
  const target = await startTcp(t, 0, (socket) => void socket.write('welcome'));
  const servers: { client: Connection; innards: Innards }[] = [];
  const rogue = await startRogue(t, {
    ident,
    welcome: (client, innards) => {
      servers.push({ client, innards });
      client.on('request' as never, ((accept: () => void) => accept()) as never);
    },
  });
  const relays = await supervise(t, rogue, {
    r: { host: 'test', forwards: [`remote:9000:127.0.0.1:${target.port}`] },
  });
  await relays.reach('r', 'connected');
  const accepted = target.nextConnection();
  const [{ client, innards } = { client: null, innards: null }] = servers;
  const opened = new Promise<ServerChannel>((resolve) =>
    client?.forwardOut('127.0.0.1', 9_000, '10.0.0.1', 4_000, ((_: unknown, one: ServerChannel) =>
      resolve(one)) as never),
  );
  const remote = await within('the channel', opened);
  const there = await within('the connection', accepted);
  const ended = fate(there);
  await within('what the target says', once(remote, 'data'));
  innards?.channelClose(idOf(remote));
  const told = await relays.next('it is told', (event) => event.type === 'connection.refused');
  t.match(told, { relay: 'r', forward: 0, fault: { code: 'CONNECTION_CUT' }, count: 1 });
  t.equal(await within('its end', ended), 'ECONNRESET');
  t.match(relays.status('r'), { standing: { word: 'connected' }, counters: { refusedBy: { CONNECTION_CUT: 1 } } });
});

test('clients that are cut with their link are no news: the lane tells what became of it', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const client = await dial(relays.port('r'));
  client.write('x');
  await once(client, 'data');
  const ended = fate(client);
  sshd.killSessions();
  t.equal(await within('its end', ended), 'ECONNRESET');
  await relays.reach('r', 'connected');
  t.equal(String(await exchange(relays.port('r'), 'the next one')), 'the next one');
  t.equal(relays.status('r').counters.refused, 0);
});
