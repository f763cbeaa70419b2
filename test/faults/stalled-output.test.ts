import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
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
import { MAIN } from '../fixtures/main-file.ts';

test('F77: a reader of stdout that stalls costs a bounded memory and no client, and is told what it missed', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const listen = join(homeOf(t), 'r.sock');
  const r = { host: 'test', forwards: [{ listen: `unix:${listen}`, target: `127.0.0.1:${echo.port}` }] };
  const configure = (crowd: string): string => {
    // Each that comes or goes is a line, and a long name makes a long one.
    const idle = { host: 'test', start: false, forwards: ['0:127.0.0.1:1'] };
    const names = Array.from({ length: 300 }, (_, n) => `${crowd}-${n}-${'x'.repeat(40)}`);
    return writeConfig(t, sshd, { r, ...Object.fromEntries(names.map((name) => [name, idle])) });
  };
  const config = configure('a');
  const path = join(homeOf(t), 'stdout');
  execFileSync('mkfifo', [path]);
  // A pipe as a shell makes one, and this end of it is not read.
  const fifo = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const child = spawn(process.execPath, [MAIN, 'up', '--json', '--config', config], {
    cwd: homeOf(t),
    env: { ...cliEnv(t), TOWLINE_DEBUG: '1' },
    stdio: ['ignore', fifo, 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let told = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  const client = openClient(join(homeOf(t), 'run', 'towline.sock'));
  const connected = () =>
    client.status().then(
      ({ relays }) => relays.some(({ name, standing }) => name === 'r' && standing.word === 'connected'),
      () => false,
    );
  await waitUntil('the relay is connected', connected);
  const pid = child.pid ?? 0;
  const sizes: number[] = [];
  for (let n = 0; n < 16; n += 1) {
    configure(n % 2 === 0 ? 'b' : 'a');
    await client.reload('all');
    sizes.push(residentSize(pid));
  }
  // The pipe and what may wait are full by half time.
  const cost = (sizes[15] ?? 0) - (sizes[7] ?? 0);
  t.equal(String(await exchange(listen, 'all the same')), 'all the same');
  t.ok(cost < 64 * 1024 * 1024, sizes.map((size) => Math.round(size / 1024 / 1024)).join(' '));
  let read = '';
  const reader = new Socket({ fd: fifo, readable: true, writable: false });
  t.teardown(() => reader.destroy());
  reader.setEncoding('utf8').on('data', (text: string) => {
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
