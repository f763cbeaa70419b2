import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'tap';
import { startEcho, startSource } from '../fixtures/backend.ts';
import { testHash } from '../fixtures/bytes.ts';
import { dial } from '../fixtures/client.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { within } from '../fixtures/wait.ts';
import { startDaemon, writeConfig } from '../e2e/daemon.ts';

test('1 GB through an unchanged relay is the same 1 GB, however often the config is read again meanwhile', async (t) => {
  const sshd = await startSshd(t);
  const size = 1024 * 1024 * 1024;
  const [source, echo] = [await startSource(t, size), await startEcho(t)];
  const still = { host: 'test', forwards: [`0:127.0.0.1:${source.port}`] };
  const other = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] };
  const daemon = await startDaemon(t, sshd, { still, other });
  await daemon.reach('still', 'connected');
  const stream = await dial(await daemon.port('still'));
  const hash = createHash('sha256');
  stream.on('data', (chunk: Buffer) => hash.update(chunk));
  const end = once(stream, 'end');
  let over = false;
  void end.then(() => {
    over = true;
  });
  let rounds = 0;
  for (; !over; rounds += 1) {
    writeConfig(t, sshd, { still, other: { ...other, settle: `${10 + (rounds % 40)}s` } });
    process.kill(daemon.cli.pid, 'SIGHUP');
    await daemon.reach('other', 'connected');
  }
  await within('the whole stream', end);
  t.equal(hash.digest('hex'), testHash(size));
  t.comment(`${rounds} reloads`);
  t.ok(rounds > 3);
  stream.destroy();
});
