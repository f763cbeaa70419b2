import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { keep, startEcho, startSink, startSource } from '../../fixtures/backend.ts';
import { testHash, testStream } from '../../fixtures/bytes.ts';
import { dial, exchange, readAll } from '../../fixtures/client.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { within } from '../../fixtures/wait.ts';

const minute = 60_000;

test('a worker that crashed again and again is tried again after a minute, by itself', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const dir = makeTemp(t, 'crash');
  const [file, mark] = [join(dir, 'crash.mjs'), join(dir, 'mended')];
  const code = `import { existsSync } from 'node:fs';
export default {
  name: 'crash',
  // Before it has begun to log in: logins that are broken off count for longer.
  relay: () => ({ observe() { if (!existsSync(${JSON.stringify(mark)})) process.abort(); } }),
};
`;
  writeFileSync(file, code, { mode: 0o600 });
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], plugins: [file] },
  });
  await relays.reach('r', 'blocked', minute);
  const began = performance.now();
  writeFileSync(mark, '');
  await relays.reach('r', 'connected', 2 * minute);
  const took = performance.now() - began;
  t.comment(`tried again after ${Math.round(took / 1000)} s`);
  t.ok(took > minute - 1_000 && took < minute + 10_000, `${Math.round(took)} ms`);
});

test('a server that allows forwarding again is found out within a minute, by itself', async (t) => {
  const echo = await startEcho(t);
  const sshd = await startSshd(t, { config: ['AllowTcpForwarding no'] });
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'blocked');
  const text = readFileSync(sshd.configFile, 'utf8').replace('AllowTcpForwarding no', 'AllowTcpForwarding yes');
  writeFileSync(sshd.configFile, text);
  await sshd.reload();
  const began = performance.now();
  await relays.reach('r', 'connected', 2 * minute);
  t.ok(performance.now() - began < minute + 10_000);
  t.equal((await exchange(relays.port('r'), 'again')).toString(), 'again');
});

test('a server that is busy for three minutes is asked at most five times', async (t) => {
  let asked = 0;
  const server = createServer((socket) => {
    asked += 1;
    socket.end('Exceeded MaxStartups\r\n');
  });
  const busy = await keep(t, server, await freePort());
  const sshd = await startSshd(t);
  const config = readFileSync(sshd.sshConfigFile, 'utf8').replace(/Port \d+/, `Port ${busy.port}`);
  writeFileSync(sshd.sshConfigFile, config);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: ['0:127.0.0.1:1'] },
    s: { host: 'test', forwards: ['0:127.0.0.1:1'] },
  });
  const { id } = relays.supervisor.status();
  await t.rejects(
    relays.next('an impossible event', (event) => event.type === 'link.opened', id, 3 * minute),
    /not within/,
  );
  t.comment(`two relays asked a busy host ${asked} times in three minutes`);
  t.ok(asked >= 3 && asked <= 5, `${asked} times`);
});

test('1 GB there and 1 GB back through a server that rekeys each 16 MB, byte for byte', async (t) => {
  const sshd = await startSshd(t, { config: ['RekeyLimit 16M'] });
  const size = 1_000_000_000;
  const [sink, source] = [await startSink(t), await startSource(t, size)];
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${sink.port}`, `0:127.0.0.1:${source.port}`] },
  });
  await relays.reach('r', 'connected');
  const up = await dial(relays.port('r', 0));
  const answer = readAll(up);
  testStream(size).pipe(up);
  t.equal(String(await within('the answer', answer, 10 * minute)), testHash(size));
  const down = await dial(relays.port('r', 1));
  let got = 0;
  const hash = createHash('sha256');
  for await (const chunk of down) {
    got += (chunk as Buffer).length;
    hash.update(chunk as Buffer);
  }
  t.equal(got, size);
  t.equal(hash.digest('hex'), testHash(size));
});
