import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'tap';
import type { Fault } from '../../../src/core/model/fault.ts';
import { Guests } from '../../../src/core/plugin/guests.ts';
import type { ToSupervisor } from '../../../src/core/protocol.ts';
import { rawHandle } from '../../../src/core/socket/raw-handle.ts';
import { windowBudget } from '../../../src/core/ssh/link/receive-window.ts';
import { ServedClients } from '../../../src/core/worker/clients/served-clients.ts';
import { startEcho, startTcp } from '../../fixtures/backend.ts';
import { dial } from '../../fixtures/client.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';

/** Clients of a link whose forwards lead to these ports. */
async function startClients(
  t: Owner,
  ports: readonly number[],
  served: (fault: Fault | null) => void = () => undefined,
) {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  let missed = 0;
  const said: ToSupervisor[] = [];
  const say = async (message: ToSupervisor) => void said.push(message);
  const news = {
    served: (_: number, fault: Fault | null) => served(fault),
    missed: () => {
      missed += 1;
    },
    left: () => undefined,
    emptied: () => undefined,
  };
  const clients = new ServedClients(new Guests(() => undefined), say, windowBudget(), news);
  const forwards = ports.map((port) => {
    const target = { kind: 'tcp', host: '127.0.0.1', port } as const;
    return { kind: 'local', listen: target, target, health: null } as const;
  });
  clients.lead(forwards, new Set());
  clients.link = link;
  const door = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(door, 'listening');
  t.teardown(() => door.close());
  const address = door.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  /** A client that has said something, as the supervisor hands it over. */
  const take = async (id: number, forward: number, word: string | Buffer = 'my token') => {
    const accepted = once(door, 'connection');
    const client = await dial(address.port);
    t.teardown(() => client.destroy());
    client.write(word);
    const [socket]: Socket[] = await accepted;
    if (socket === undefined) throw new Error('nobody came');
    clients.take(id, { relay: 'r', forward, from: null, to: null }, 5_000, rawHandle(socket));
  };
  const fateOf = async (id: number) => {
    const fate = () => said.filter((message) => 'id' in message && message.id === id).map(({ say: one }) => one);
    await waitUntil(`something is said of ${id}`, () => fate().length > 0);
    return fate();
  };
  return { clients, forwards, take, fateOf, sshd, missed: () => missed };
}

test('who comes to a backend that is away goes back unread, whoever listens there; other forwards are served', async (t) => {
  const [squatter, echo] = [await startEcho(t), await startEcho(t)];
  const { clients, forwards, take, fateOf } = await startClients(t, [squatter.port, echo.port]);
  clients.lead(forwards, new Set([0]));
  await take(1, 0);
  await take(2, 1);
  t.same(await fateOf(1), ['returned']);
  t.same(await fateOf(2), ['opened']);
  t.equal(squatter.accepted(), 0);
  clients.lead(forwards, new Set());
  await take(3, 0);
  t.same(await fateOf(3), ['opened'], 'it is known anew where they lead');
});

test('a link that is lost before a client has his channel has missed him; one that answers him has not', async (t) => {
  const [echo, dead] = [await startEcho(t), await freePort()];
  const { take, fateOf, sshd, missed } = await startClients(t, [echo.port, dead]);
  await take(1, 0);
  t.same(await fateOf(1), ['opened']);
  await take(2, 1);
  t.same(await fateOf(2), ['reset'], 'its target refused it');
  t.equal(missed(), 0);
  sshd.freezeSessions();
  await take(3, 0);
  sshd.killSessions();
  t.same(await fateOf(3), ['returned']);
  t.equal(missed(), 1);
});

test('a SOCKS client was served once his link answered what he wants, and was missed by one that ended before', async (t) => {
  const [echo, dead] = [await startEcho(t), await freePort()];
  let served = 0;
  const { clients, take, fateOf, sshd, missed } = await startClients(t, [], () => {
    served += 1;
  });
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  clients.lead([{ kind: 'dynamic', listen, target: null, health: null }], new Set());
  const wants = (port: number) => Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]);
  await take(1, 0, wants(echo.port));
  await waitUntil('he has his channel', () => clients.open === 1 && served === 1);
  await take(2, 0, wants(dead));
  await waitUntil('he was told by SOCKS', async () => (await fateOf(2)).join() === 'opened,closed');
  t.equal(served, 2, 'a refusal is an answer');
  sshd.freezeSessions();
  await take(3, 0, wants(echo.port));
  t.same(await fateOf(3), ['opened']);
  clients.link = null;
  sshd.killSessions();
  await waitUntil('he is missed', () => missed() === 1);
  t.equal(served, 2);
});

test('a backend that goes while it is dialed gets nothing of the client, who goes back', async (t) => {
  let heard = '';
  const squatter = await startTcp(t, 0, (socket) => socket.on('data', (chunk) => (heard += String(chunk))));
  const { clients, forwards, take, fateOf } = await startClients(t, [squatter.port]);
  await take(1, 0);
  clients.lead(forwards, new Set([0]));
  t.same(await fateOf(1), ['returned']);
  t.equal(squatter.accepted(), 1, 'it had been dialed');
  await waitUntil(
    'that connection is closed',
    () => squatter.sockets.size === 0 || [...squatter.sockets].every((one) => one.readableEnded),
  );
  t.equal(heard, '');
});

test('the client whose dial shows that the backend is gone goes back; one that is refused elsewhere is reset', async (t) => {
  const dead = await freePort();
  const { clients, forwards, take, fateOf } = await startClients(t, [dead, dead], () =>
    clients.lead(forwards, new Set([0])),
  );
  await take(1, 0);
  t.same(await fateOf(1), ['returned']);
  await take(2, 1);
  t.same(await fateOf(2), ['reset']);
});
