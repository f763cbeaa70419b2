import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { startEcho } from '../fixtures/backend.ts';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { makeKeyPair } from '../fixtures/sshd-keys.ts';
import { makeTemp, type Owner } from '../fixtures/temp.ts';
import { startDaemon } from '../e2e/daemon.ts';
import { configure } from './configured.ts';

async function squat(t: Owner, path?: string): Promise<number> {
  const server = path === undefined ? createServer().listen(0, '127.0.0.1') : createServer().listen(path);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

test('check tells a taken port with its holder, and ends as `up --exit-on-failure` does', async (t) => {
  makeKeyPair(join(homeOf(t), '.ssh', 'id_ed25519'));
  const port = await squat(t);
  await configure(t, { forwards: [`${port}:127.0.0.1:1`] });
  const { code, stdout } = await runTowline(t, ['check']);
  t.equal(code, 73);
  t.match(
    stdout,
    new RegExp(`^dev-box: 127\\.0\\.0\\.1:${port} is in use by pid ${process.pid} .*\\[LISTEN_TAKEN\\]$`, 'm'),
  );
});

test('check tells what keeps a Unix socket from being bound, and leaves what is there', async (t) => {
  makeKeyPair(join(homeOf(t), '.ssh', 'id_ed25519'));
  const dir = makeTemp(t, 'unix');
  await squat(t, join(dir, 'live'));
  writeFileSync(join(dir, 'file'), '');
  for (const [path, said] of [
    ['gone/s', `there is no folder ${join(dir, 'gone')}; make it, or correct listen \\[LISTEN_UNAVAILABLE\\]`],
    ['live', 'live is in use by another program; stop it, or choose another path \\[LISTEN_TAKEN\\]'],
    ['file', 'file exists and is no socket; remove it, or choose another path \\[LISTEN_TAKEN\\]'],
  ] as const) {
    await configure(t, { forwards: [`unix:${join(dir, path)}:127.0.0.1:1`] });
    const { code, stdout } = await runTowline(t, ['check']);
    t.equal(code, 73, path);
    t.match(stdout, new RegExp(`^dev-box: .*${said}$`, 'm'));
  }
  t.ok(existsSync(join(dir, 'file')));
  await configure(t, { forwards: [`unix:${join(dir, 'free')}:127.0.0.1:1`] });
  t.match(await runTowline(t, ['check']), { code: 0, stdout: /: well, 1 relay\n$/ });
});

test('what the running daemon listens on is well, and asks its relay for nothing', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const target = `127.0.0.1:${echo.port}`;
  const path = join(makeTemp(t, 'unix'), 's');
  const daemon = await startDaemon(t, sshd, {
    both: { host: 'test', forwards: [`0:${target}`, `unix:${path}:${target}`] },
  });
  await daemon.reach('both', 'connected');
  const here = await daemon.port('both');
  const relays = { both: { host: 'test', forwards: [`${here}:${target}`, `unix:${path}:${target}`] } };
  const config = JSON.stringify({ sshConfig: sshd.sshConfigFile, relays });
  const file = join(homeOf(t), 'other.json');
  writeFileSync(file, config, { mode: 0o600 });
  t.match(await runTowline(t, ['check', '--config', file]), { code: 0, stdout: /: well, 1 relay\n$/ });
  t.equal((await daemon.status('both')).counters.accepted, 0);
});

test('add tells that a port here is taken, and what to do', async (t) => {
  makeKeyPair(join(homeOf(t), '.ssh', 'id_ed25519'));
  const port = await squat(t);
  const { code, stdout } = await runTowline(t, ['add', 'new', '--host', 'h', '--listen', String(port)]);
  t.equal(code, 0);
  t.match(
    stdout,
    new RegExp(
      `^it cannot start yet: 127\\.0\\.0\\.1:${port} is in use by pid ${process.pid} .*; stop that program.*\\[LISTEN_TAKEN\\]$`,
      'm',
    ),
  );
});
