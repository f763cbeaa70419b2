import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'tap';
import { startEcho, startSink } from '../../fixtures/backend.ts';
import { dial, exchange } from '../../fixtures/client.ts';
import { startRoad } from '../../fixtures/impairment.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil } from '../../fixtures/wait.ts';

test('a client whose channel takes minutes behind a full pipe is not given up by the supervisor while its worker waits', async (t) => {
  const sshd = await startSshd(t);
  const [sink, echo] = [await startSink(t), await startEcho(t)];
  const road = await startRoad(t, sshd.port);
  const text = readFileSync(sshd.sshConfigFile, 'utf8').replace(`Port ${sshd.port}`, `Port ${road.port}`);
  writeFileSync(sshd.sshConfigFile, `${text}  HostKeyAlias slow\n`);
  writeFileSync(sshd.knownHostsFile, sshd.hostKeys.map((key) => `slow ${key}\n`).join(''));
  const forwards = [`0:127.0.0.1:${sink.port}`, `0:127.0.0.1:${echo.port}`];
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards } });
  await relays.reach('r', 'connected');
  road.add({ kind: 'bandwidth', rate: 12 * 1024 });
  const uploads = await Promise.all(Array.from({ length: 8 }, () => dial(relays.port('r', 0))));
  for (const upload of uploads) {
    t.teardown(() => upload.destroy());
    upload.write(Buffer.alloc(256 * 1024));
  }
  await waitUntil('bytes are on their way', () => relays.status('r').counters.sent > 1024 * 1024, { timeout: 60_000 });
  const began = performance.now();
  t.equal((await exchange(relays.port('r', 1), 'in turn', 240_000)).toString(), 'in turn');
  const took = performance.now() - began;
  t.comment(`served after ${(took / 1000).toFixed(1)} s`);
  t.ok(took > 125_000, `it took longer than the supervisor once waited: ${took}`);
  t.equal(relays.events.filter(({ type }) => type === 'connection.refused').length, 0);
});
