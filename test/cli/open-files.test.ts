import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { startEcho, startSilent } from '../fixtures/backend.ts';
import { dial, fate, fateOf } from '../fixtures/client.ts';
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

test('two thousand silent clients of one relay leave another one its share, and fewer relays have more', async (t) => {
  const sshd = await startSshd(t);
  const [silent, echo] = [await startSilent(t), await startEcho(t)];
  const [crowded, calm] = [await freePort(), await freePort()];
  const forward = (port: number, target: number) => ({ host: 'test', forwards: [`${port}:127.0.0.1:${target}`] });
  const relays = { crowded: forward(crowded, silent.port), calm: forward(calm, echo.port) };
  const config = JSON.stringify({ sshConfig: sshd.sshConfigFile, relays });
  writeFileSync(join(homeOf(t), 'towline.json'), config, { mode: 0o600 });
  const files = 1_024;
  const up = startTowline(t, ['up'], { openFiles: files });
  for (const name of Object.keys(relays)) await up.waitForOutput(new RegExp(`${name}: .*reaches its target`));
  const room = files - 64 - 2 * 8;
  const share = Math.floor(room / 4);
  const clients = 2_000;
  let cut = 0;
  for (let n = 0; n < clients; n += 1) {
    const client = connect({ port: crowded, host: '127.0.0.1' });
    t.teardown(() => client.destroy());
    void fate(client).then(() => {
      cut += 1;
    });
  }
  await waitUntil('the others are cut', () => cut >= clients - (room - share));
  const open = await Promise.all(
    Array.from({ length: share }, async () => {
      const client = await dial(calm);
      t.teardown(() => client.destroy());
      client.write('mine');
      t.equal(String((await once(client, 'data'))[0]), 'mine');
      return client;
    }),
  );
  t.comment(
    `measured ${room - share} of ${clients} silent clients of one relay, and ${open.length} served ones of the other, with ${files} files`,
  );
  t.equal(await fateOf(calm), 'ECONNRESET', 'beyond its share there is no more');
  await up.waitForOutput(
    /crowded has \d+ of \d+ open connections, as many as the limit of open files allows it beside the other relays/,
  );
  const status = JSON.parse((await runTowline(t, ['status', '--json'])).stdout);
  t.match(
    status.relays.map(({ counters }: { counters: object }) => counters),
    [{ open: room - share }, { open: share, refused: 1 }],
  );
});
