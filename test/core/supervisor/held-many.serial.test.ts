import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { dial } from '../../fixtures/client.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

/** So many connections of this machine that have nothing to do with any relay. */
async function crowd(t: Owner, count: number): Promise<void> {
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket)).listen(0, '127.0.0.1', 1_024);
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of accepted) socket.destroy();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  while (accepted.length < count) {
    const batch = Array.from({ length: 100 }, () => connect({ port: address.port, host: '127.0.0.1' }));
    t.teardown(() => batch.map((socket) => socket.destroy()));
    await Promise.all(batch.map((socket) => once(socket, 'connect')));
    await waitUntil('they are accepted', () => accepted.length % 100 === 0);
  }
}

test('on a machine with thousands of connections those whom twenty relays hold cost little, and are served at once', async (t) => {
  const relayCount = 20;
  await crowd(t, 2_000);
  const sshd = await startSshd(t, { config: ['MaxStartups 100'] });
  const echo = await startEcho(t);
  const names = Array.from({ length: relayCount }, (_, index) => `r${index}`);
  const relay = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], hold: { time: '1m' }, isolation: 'shared' };
  const relays = await supervise(t, sshd, Object.fromEntries(names.map((name) => [name, relay])));
  for (const name of names) await relays.reach(name, 'connected');
  await sshd.stop();
  for (const name of names) await waitUntil(`${name} is down`, () => relays.status(name).standing.word !== 'connected');
  const held = await Promise.all(names.flatMap((name) => [relays.port(name), relays.port(name)]).map(dial));
  t.teardown(() => held.map((socket) => socket.destroy()));
  await waitUntil('all are held', () => names.every((name) => relays.status(name).counters.held === 2));
  const [before, began] = [process.cpuUsage(), performance.now()];
  await waitUntil('they were looked for three times', () => performance.now() - began > 3_000);
  const { user, system } = process.cpuUsage(before);
  const share = (user + system) / 1_000 / (performance.now() - began);

  const { id } = relays.supervisor.status();
  await sshd.start();
  const served = held.map(async (socket) => {
    socket.write('here');
    await once(socket, 'data');
    return performance.now();
  });
  await Promise.all(
    names.map((name) =>
      relays.next(`${name} is up`, (event) => event.type === 'link.opened' && event.relay === name, id),
    ),
  );
  const up = performance.now();
  const last = Math.max(...(await within('all are served', Promise.all(served))));
  const late = Math.round(Math.max(0, last - up));
  t.comment(
    `connections=2000 relays=${relayCount} cpu=${Math.round(share * 100)}% served=${late}ms after the last link`,
  );
  t.ok(share < 0.5, `${Math.round(share * 100)} % of a core while they wait`);
  t.ok(late < 1_000, `${late} ms`);
});
