import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { openClient } from '../../src/control/client.ts';
import { writeConfig } from '../e2e/daemon.ts';
import { startEcho } from '../fixtures/backend.ts';
import { exchange } from '../fixtures/client.ts';
import { cliEnv, homeOf } from '../fixtures/cli.ts';
import { residentSize } from '../fixtures/process-tree.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { waitUntil, within } from '../fixtures/wait.ts';
import { measured } from './measure.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

test('F77: a reader of stdout that stalls costs a bounded memory and no client, and is told what it missed', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const listen = join(homeOf(t), 'r.sock');
  // A long name makes long lines.
  const idle = `idle-${'x'.repeat(50)}`;
  const config = writeConfig(t, sshd, {
    r: { host: 'test', forwards: [{ listen: `unix:${listen}`, target: `127.0.0.1:${echo.port}` }] },
    [idle]: { host: 'test', start: false, forwards: ['0:127.0.0.1:1'] },
  });
  const child = spawn(process.execPath, [MAIN, 'up', '--json', '--config', config], {
    cwd: homeOf(t),
    env: cliEnv(t),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  // Nobody reads stdout from here on: its pipe is full after 64 KiB.
  const client = openClient(join(homeOf(t), 'run', 'towline.sock'));
  const connected = () =>
    client.status().then(
      ({ relays }) => relays.some(({ name, standing }) => name === 'r' && standing.word === 'connected'),
      () => false,
    );
  await waitUntil('the relay is connected', connected);
  const pid = child.pid ?? 0;
  const before = residentSize(pid);
  const rounds = 2_500;
  for (let n = 0; n < rounds; n += 1) await client.command(n % 2 === 0 ? 'start' : 'stop', idle);
  const cost = residentSize(pid) - before;
  t.equal(String(await exchange(listen, 'all the same')), 'all the same');
  t.ok(cost < 64 * 1024 * 1024, `${Math.round(cost / 1024 / 1024)} MiB`);
  let read = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    read += text;
  });
  await waitUntil('the word of what was left out', () => /were left out/.test(told));
  t.match(told, /^towline: \d+ lines of output were left out while nobody read them; the log has them\n$/);
  const lost = Number(/(\d+) lines/.exec(told)?.[1] ?? 0);
  const gone = once(child, 'close');
  child.kill('SIGTERM');
  t.same((await within('the end', gone))[0], 0);
  for (const line of read.trimEnd().split('\n')) JSON.parse(line);
  measured(t, 'F77', { stalled: 'stdout', cost: `${Math.round(cost / 1024 / 1024)}MiB`, lost: String(lost) });
  t.ok(read.length < 1_500_000, `${read.length} bytes waited`);
});
