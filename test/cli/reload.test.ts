import { once } from 'node:events';
import { readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import type { DaemonStatus } from '../../src/core/model/status.ts';
import { startEcho } from '../fixtures/backend.ts';
import { homeOf, runTowline, startTowline } from '../fixtures/cli.ts';
import { dial, fate } from '../fixtures/client.ts';
import { daemonClient } from '../fixtures/daemon-client.ts';
import { startOnTerminal } from '../fixtures/pty.ts';
import { startSshd } from '../fixtures/sshd.ts';
import type { Owner } from '../fixtures/temp.ts';
import { waitUntil, within } from '../fixtures/wait.ts';
import { startDaemon, writeConfig } from '../e2e/daemon.ts';
import { configure } from './configured.ts';

const statusOf = async (t: Owner): Promise<DaemonStatus> =>
  JSON.parse((await runTowline(t, ['status', '--json'])).stdout);

async function openEcho(port: number): Promise<Socket> {
  const socket = await dial(port);
  await echoed(socket);
  return socket;
}

async function echoed(socket: Socket): Promise<void> {
  const back = once(socket, 'data');
  socket.write('x');
  await within('an echo', back);
}

test('a config with problems is refused with every one of them, and what ran goes on', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = { db1: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } };
  const daemon = await startDaemon(t, sshd, relays);
  await daemon.reach('db1', 'connected');
  const [port, open] = [await daemon.port('db1'), await openEcho(await daemon.port('db1'))];
  const before = await daemon.status('db1');
  const file = join(homeOf(t), 'towline.json');
  const good = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    '{\n  "relays": {\n    "db1": {\n      "host": "test",\n      "forwards": ["70000"],\n      "lanes": 9\n    }\n  }\n}\n',
  );
  const refused = await runTowline(t, ['reload'], { cwd: '/' });
  t.equal(refused.code, 78);
  t.equal(refused.stdout, '');
  const lines = refused.stderr.split('\n');
  t.equal(
    lines[0]?.startsWith(`${file}:5:20 relays.db1.forwards[0]: port 70000 is out of range`),
    true,
    lines[0] ?? '',
  );
  t.equal(lines[1]?.startsWith(`${file}:6:16 relays.db1.lanes: 9 is too large`), true, lines[1] ?? '');
  t.match(lines.slice(2), [
    'towline: the config has 2 problems; mend those lines, then `towline check` [CONFIG_INVALID]',
    /^towline: the daemon \(pid \d+\) is keeping the running configuration$/,
    '',
  ]);
  process.kill(daemon.cli.pid, 'SIGHUP');
  await daemon.cli.waitForOutput(
    /(towline\.json:5:20 .*port 70000.*\[CONFIG_INVALID\]; keeping the running configuration\n[\s\S]*){2}/,
  );
  await daemon.cli.waitForOutput(/^.*towline\.json:6:16 relays\.db1\.lanes/m);
  t.match(
    (await runTowline(t, ['status'])).stdout,
    /^! the config file cannot be used, and what ran goes on:[\s\S]*port 70000/m,
  );
  await echoed(open);
  t.match(await daemon.status('db1'), {
    lanes: [{ pid: before.lanes[0]?.pid ?? 0 }],
    forwards: [{ listen: { port } }],
  });
  writeFileSync(file, good);
  const read = await runTowline(t, ['reload']);
  t.match(read, { code: 0, stderr: '' });
  t.match(read.stdout, /^the daemon \(pid \d+\) has read .*towline\.json again: nothing changed; 1 unchanged\n$/);
  t.notMatch((await runTowline(t, ['status'])).stdout, /^!/m);
  t.match((await statusOf(t)).pending, null);
  await echoed(open);
  open.destroy();
});

test('reload without a daemon says so', async (t) => {
  t.match(await runTowline(t, ['reload']), { code: 69, stderr: /no towline daemon runs/ });
});

test('a file that is edited: what cuts nobody is taken over by itself, the rest waits for a reload', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const r = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] };
  const daemon = await startDaemon(t, sshd, { r, wrong: { ...r, host: 'me@127.0.0.1:1' } });
  await daemon.reach('r', 'connected');
  const open = await openEcho(await daemon.port('r'));
  writeConfig(t, sshd, { r, wrong: r, more: r });
  await daemon.reach('wrong', 'connected');
  await daemon.reach('more', 'connected');
  writeConfig(t, sshd, { r: { ...r, drain: '1s' }, wrong: r, more: r });
  await daemon.cli.waitForOutput(
    /the config file has changed \(changed r; the links of r end\), and r would lose its link by it; `towline reload` applies it/,
  );
  t.match((await runTowline(t, ['status'])).stdout, /^! the config file has changed [\s\S]*`towline reload`/m);
  await echoed(open);
  const added = await runTowline(t, [
    'add',
    'x',
    '--host',
    'me@127.0.0.1:1',
    '--listen',
    '0',
    '--config',
    join(homeOf(t), 'towline.json'),
  ]);
  t.match(
    added.stdout,
    /^the daemon \(pid \d+\) goes on as it was: r would lose its link; `towline reload` takes it over$/m,
  );
  const cut = fate(open);
  t.match((await runTowline(t, ['reload'])).stdout, /: added x; changed r; the links of r end; 2 unchanged\n$/);
  open.end();
  t.equal(await within('the end', cut), 'end', 'who ends in time is not cut');
  await daemon.reach('r', 'connected');
  const sure = await runTowline(t, ['remove', 'r', '-y', '--config', join(homeOf(t), 'towline.json')]);
  t.match(sure.stdout, /has taken it over: removed r\n/, 'it was asked for');
  await waitUntil(
    'r is gone',
    async () => (await daemonClient(t).all())?.relays.every(({ name }) => name !== 'r') === true,
  );
});

test('a hundred reloads in ten seconds, by rename, by link and half-written: the last one wins, and no half is taken', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const many = Array.from({ length: 40 }, (_, n) => `  r${n}: { host: h, start: false, forwards: ["0:a:${n + 1}"] }`);
  const text = (version: number) =>
    [
      `sshConfig: ${sshd.sshConfigFile}`,
      'relays:',
      `  still: { host: test, forwards: ["0:127.0.0.1:${echo.port}"] }`,
      `  version: { host: v${version}, start: false, forwards: ["0:a:1"] }`,
      ...many,
      '',
    ].join('\n');
  const file = join(homeOf(t), 'towline.yaml');
  writeFileSync(file, text(0), { mode: 0o600 });
  const up = startTowline(t, ['up', '--config', file]);
  await up.waitForOutput(/still: 127\.0\.0\.1:\d+ reaches its target/);
  const still = async () => (await statusOf(t)).relays[0];
  const before = await still();
  const listen = before?.forwards[0]?.listen;
  const open = await openEcho(listen?.kind === 'tcp' ? listen.port : 0);
  const began = performance.now();
  const hangUp = () => process.kill(up.pid, 'SIGHUP');
  for (let version = 1; version <= 20; version += 1) {
    const whole = text(version);
    const other = join(homeOf(t), `other-${version % 7}.yaml`);
    switch (version % 4) {
      case 0:
        writeFileSync(other, whole, { mode: 0o600 });
        renameSync(other, file);
        break;
      case 1:
        writeFileSync(other, whole, { mode: 0o600 });
        symlinkSync(other, `${other}.link`);
        renameSync(`${other}.link`, file);
        break;
      case 2: {
        // Each line of it ends a config that could be used.
        const half = whole.slice(0, whole.indexOf('\n', 100 + version * 60) + 1);
        writeFileSync(file, half, { mode: 0o600 });
        hangUp();
        await sleep(40);
        writeFileSync(file, whole, { mode: 0o600 });
        break;
      }
      case 3:
        writeFileSync(file, `${whole}  broken`, { mode: 0o600 });
        hangUp();
        await sleep(10);
        writeFileSync(file, whole, { mode: 0o600 });
        break;
    }
    for (let often = 1; often <= 5; often += 1) {
      hangUp();
      await sleep(Math.max(0, began + (5 * version + often - 5) * 100 - performance.now()));
    }
  }
  await waitUntil('the last one runs', async () => {
    return (await daemonClient(t).all())?.relays.find(({ name }) => name === 'version')?.host === 'v20';
  });
  t.match(await runTowline(t, ['reload']), { code: 0, stdout: /nothing changed/ });
  const news = [...up.stdout().matchAll(/the config was read again: (.*)/g)].map(([, what]) => what);
  t.ok(news.length >= 10, `${news.length} were read`);
  t.strictSame([...new Set(news)].sort(), ['changed version', 'nothing changed']);
  await echoed(open);
  t.same((await still())?.lanes[0]?.pid, before?.lanes[0]?.pid);
  t.match(await up.stop(), { code: 0 });
});

test('reload says that the daemon was quicker, where its own watch has taken the change over', async (t) => {
  await configure(t);
  const up = startTowline(t, ['up']);
  await up.waitForOutput(/listening/);
  const file = join(homeOf(t), 'towline.json');
  const { relays } = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(
    file,
    JSON.stringify({ relays: { ...relays, spare: { ...relays['dev-box'], forwards: ['0:127.0.0.1:1'] } } }),
  );
  await up.waitForOutput(/the config was read again: added spare/);
  const { code, stdout } = await runTowline(t, ['reload']);
  t.equal(code, 0);
  const when = 'at \\d\\d:\\d\\d:\\d\\d|on \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d';
  const text = `again: nothing changed since the daemon took the last change over (?:${when}) \\(added spare\\); 2 unchanged\n$`;
  t.match(stdout, new RegExp(text));
});

test('SIGHUP at a terminal that is there reads the config again; one that hangs up ends the daemon', async (t) => {
  await configure(t);
  const session = startOnTerminal(t, ['up']);
  await session.waitFor(/connecting|waiting|reconnecting|next try/);
  const { pid } = await statusOf(t);
  process.kill(pid, 'SIGHUP');
  await session.waitFor(/the config was read again: nothing changed/);
  const [, parent] = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  process.kill(Number(parent), 'SIGKILL');
  await waitUntil('the daemon has ended', async () => (await runTowline(t, ['status'])).code === 69);
});

test('a relay that goes on under its old name, since a rename would have cut it, ends when the new name is removed', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const forwards = [`0:127.0.0.1:${echo.port}`];
  const daemon = await startDaemon(t, sshd, { old: { host: 'test', forwards }, other: { host: 'test', forwards } });
  await daemon.reach('old', 'connected');
  await daemon.reach('other', 'connected');
  t.match((await runTowline(t, ['rename', 'old', 'new'])).stdout, /goes on as it was: old would lose its link/);
  t.match((await runTowline(t, ['remove', 'new', '--yes'])).stdout, /has taken it over: removed old$/m);
  t.match(await daemon.status('other'), { standing: { word: 'connected' } }, 'its twin goes on');
});
