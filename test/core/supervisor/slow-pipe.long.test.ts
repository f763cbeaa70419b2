import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'tap';
import { keep, startSink } from '../../fixtures/backend.ts';
import { dial, fate } from '../../fixtures/client.ts';
import { startRoad } from '../../fixtures/impairment.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

test('a client whose channel takes minutes behind a full pipe is not given up by the supervisor while its worker waits', async (t) => {
  const sshd = await startSshd(t);
  const sink = await startSink(t);
  const server = createServer((socket) => void socket.on('error', () => undefined).resume());
  const target = await keep(t, server, await freePort());
  const road = await startRoad(t, sshd.port);
  const text = readFileSync(sshd.sshConfigFile, 'utf8').replace(`Port ${sshd.port}`, `Port ${road.port}`);
  writeFileSync(sshd.sshConfigFile, `${text}  HostKeyAlias slow\n`);
  writeFileSync(sshd.knownHostsFile, sshd.hostKeys.map((key) => `slow ${key}\n`).join(''));
  const forwards = [`0:127.0.0.1:${sink.port}`, `0:127.0.0.1:${target.port}`];
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards, keepalive: { interval: '120s', count: 3 } },
  });
  await relays.reach('r', 'connected');
  road.add({ kind: 'bandwidth', rate: 4 * 1024 });
  const uploads = await Promise.all(Array.from({ length: 8 }, () => dial(relays.port('r', 0))));
  for (const upload of uploads) {
    t.teardown(() => upload.destroy());
    upload.write(Buffer.alloc(256 * 1024));
  }
  await waitUntil('bytes are on their way', () => relays.status('r').counters.sent > 1024 * 1024, { timeout: 60_000 });
  const began = performance.now();
  const reached = once(server, 'connection');
  const client = await dial(relays.port('r', 1));
  t.teardown(() => client.destroy());
  const cut = fate(client);
  const what = await within('its channel', Promise.race([reached.then(() => 'reached'), cut]), 280_000);
  const took = performance.now() - began;
  t.comment(`${what} after ${(took / 1000).toFixed(1)} s`);
  t.equal(what, 'reached');
  t.ok(took > 125_000, `it took longer than the supervisor once waited: ${took}`);
  t.equal(relays.events.filter(({ type }) => type === 'connection.refused').length, 0);
});
