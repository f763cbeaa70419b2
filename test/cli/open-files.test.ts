import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { startSilent } from '../fixtures/backend.ts';
import { dial, fate } from '../fixtures/client.ts';
import { homeOf, runTowline, startTowline } from '../fixtures/cli.ts';
import { freePort } from '../fixtures/port.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { waitUntil, within } from '../fixtures/wait.ts';

test('with few files to open, the clients beyond it are reset, the daemon still answers, serves again when there is room, and ends', async (t) => {
  const sshd = await startSshd(t);
  const backend = await startSilent(t);
  const port = await freePort();
  const relay = { host: 'test', forwards: [`${port}:127.0.0.1:${backend.port}`] };
  writeFileSync(
    join(homeOf(t), 'towline.json'),
    JSON.stringify({ sshConfig: sshd.sshConfigFile, relays: { r: relay } }),
    { mode: 0o600 },
  );
  const up = startTowline(t, ['up'], { openFiles: 128 });
  await up.waitForOutput(/reaches its target/);
  const fates: string[] = [];
  const clients: Socket[] = [];
  for (let n = 0; n < 150; n += 1) {
    // A reset may come before the connect is reported, or after.
    const client = connect({ port, host: '127.0.0.1' });
    clients.push(client);
    t.teardown(() => client.destroy());
    void fate(client).then((how) => fates.push(how));
  }
  const room = 128 - 64 - 8;
  await waitUntil('the others are cut', () => fates.length >= 150 - room);
  t.same([...new Set(fates)], ['ECONNRESET'], 'nobody is told an ordinary end');
  t.equal(fates.length, 150 - room);
  await up.waitForOutput(/refused .* clients? .* limit of open files allows.*\[CONNECTIONS_FULL\]/);
  const status = await runTowline(t, ['status', '--json']);
  t.equal(status.code, 0, status.stderr);
  t.match(JSON.parse(status.stdout).relays[0].counters, { open: room, refused: 150 - room });
  for (const client of clients) client.resetAndDestroy();
  const open = async () => JSON.parse((await runTowline(t, ['status', '--json'])).stdout).relays[0].counters.open;
  await waitUntil('the flood is over', async () => (await open()) === 0);
  const next = backend.nextConnection();
  const late = await dial(port);
  t.teardown(() => late.destroy());
  await within('the next client at its target', next);
  t.equal(await open(), 1);
  t.equal((await runTowline(t, ['down', '--now'])).code, 0);
  t.equal((await up.ended).code, 0);
});
