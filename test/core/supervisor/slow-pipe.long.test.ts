import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'tap';
import { keep, startTcp } from '../../fixtures/backend.ts';
import { dial, fate } from '../../fixtures/client.ts';
import { startRoad } from '../../fixtures/impairment.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { within } from '../../fixtures/wait.ts';

test('a client whose channel takes minutes behind a full pipe is not given up by the supervisor while its worker waits', async (t) => {
  const sshd = await startSshd(t);
  const road = await startRoad(t, sshd.port);
  const text = readFileSync(sshd.sshConfigFile, 'utf8').replace(`Port ${sshd.port}`, `Port ${road.port}`);
  writeFileSync(sshd.sshConfigFile, `${text}  HostKeyAlias slow\n`);
  writeFileSync(sshd.knownHostsFile, sshd.hostKeys.map((key) => `slow ${key}\n`).join(''));
  // A trickle down shows that the server lives.
  const talker = await startTcp(t, 0, (socket) => {
    const talk = setInterval(() => socket.write('word'), 500);
    socket.on('close', () => clearInterval(talk));
  });
  const server = createServer((socket) => void socket.on('error', () => undefined).resume());
  const target = await keep(t, server, await freePort());
  const forwards = [`0:127.0.0.1:${talker.port}`, `0:127.0.0.1:${target.port}`];
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards } });
  await relays.reach('r', 'connected');
  const listener = await dial(relays.port('r', 0));
  t.teardown(() => listener.destroy());
  await within('a word', once(listener.resume(), 'data'));
  // As long as a full pipe would take: longer than the 125 s that the supervisor once waited, shorter than the 250 s of its worker.
  road.add({ kind: 'latency', latency: 140_000 }, 'up');
  const client = await dial(relays.port('r', 1));
  t.teardown(() => client.destroy());
  const began = performance.now();
  const reached = once(server, 'connection').then(() => 'reached');
  const what = await within('its channel', Promise.race([reached, fate(client)]), 280_000);
  t.equal(what, 'reached');
  t.ok(performance.now() - began > 130_000, 'it took its time');
  t.same(
    relays.events.filter(({ type }) => type === 'connection.refused' || type === 'link.doubted'),
    [],
  );
});
