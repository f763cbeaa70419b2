import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { ServiceManager, statusLine, takeWatch } from '../../src/cli/service-manager.ts';
import { startEcho } from '../fixtures/backend.ts';
import { dial } from '../fixtures/client.ts';
import { homeOf, type RunningCli, startTowline } from '../fixtures/cli.ts';
import { startNotifyReceiver } from '../fixtures/notify-receiver.ts';
import { freePort } from '../fixtures/port.ts';
import { commandOf, descendants, environmentOf } from '../fixtures/process-tree.ts';
import { type Sshd, startSshd } from '../fixtures/sshd.ts';
import { makeTemp, type Owner } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { daemonStatus, relayStatus } from './statuses.ts';

async function startService(
  t: Owner,
  sshd: Sshd,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly up: RunningCli; readonly port: number; readonly write: (relays: object) => void }> {
  const [echo, port] = [await startEcho(t), await freePort()];
  const write = (relays: object) =>
    writeFileSync(join(homeOf(t), 'towline.json'), JSON.stringify({ sshConfig: sshd.sshConfigFile, relays }), {
      mode: 0o600,
    });
  write({ r: { host: 'test', forwards: [`${port}:127.0.0.1:${echo.port}`] } });
  return { up: startTowline(t, ['up'], { env }), port, write };
}

test('F98: a service is ready as soon as its listeners are bound, though no host answers; then it says how it stands', async (t) => {
  const sshd = await startSshd(t);
  await sshd.stop();
  const address = join(makeTemp(t, 'notify'), 'socket');
  const receiver = await startNotifyReceiver(t, address);
  const { up, port, write } = await startService(t, sshd, { NOTIFY_SOCKET: address });
  await receiver.waitFor(/^READY=1;STATUS=1 relay: 1 connecting$/m);
  (await dial(port)).destroy();
  await sshd.start();
  await receiver.waitFor(/^STATUS=1 relay: 1 connected$/m);
  // Not the program that tells the service manager, nor a child that has not begun its own program yet.
  const started = descendants(up.pid).filter(({ pid }) => {
    const command = commandOf(pid);
    return command !== '' && command !== commandOf(up.pid) && !command.startsWith('systemd-notify');
  });
  t.ok(started.length > 0);
  for (const { pid } of started) {
    t.notMatch(environmentOf(pid).join(' '), /NOTIFY_SOCKET/, 'it is for nobody whom the daemon starts');
  }
  const reloaded = receiver.text().length;
  process.kill(up.pid, 'SIGHUP');
  await receiver.waitFor(/^RELOADING=1;MONOTONIC_USEC=\d+\n(?:BARRIER=1\n)?READY=1$/m, reloaded);
  write({ r: { host: 'test', forwards: ['70000'] } });
  const refused = receiver.text().length;
  process.kill(up.pid, 'SIGHUP');
  await receiver.waitFor(/^RELOADING=1;MONOTONIC_USEC=\d+\n(?:BARRIER=1\n)?READY=1$/m, refused);
  const ended = up.stop('SIGTERM');
  await receiver.waitFor(/^STOPPING=1;STATUS=ending: SIGTERM$/m);
  t.equal((await ended).code, 0);
  t.equal(receiver.count('WATCHDOG=1'), 0, 'nobody asked for it');
});

test('F76: a daemon that does not run sends no sign of life, and goes on with them when it does', async (t) => {
  const sshd = await startSshd(t);
  const address = `@towline-test-${process.pid}`;
  const receiver = await startNotifyReceiver(t, address);
  const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: '200000' };
  const { up } = await startService(t, sshd, env);
  const more = async (count: number) => {
    const before = receiver.count('WATCHDOG=1');
    await waitUntil('signs of life', () => receiver.count('WATCHDOG=1') >= before + count);
  };
  await more(5);
  process.kill(up.pid, 'SIGSTOP');
  // One that was under way may still arrive.
  await sleep(300);
  const before = receiver.count('WATCHDOG=1');
  await sleep(1_000); // ten times the distance between two
  t.equal(receiver.count('WATCHDOG=1'), before);
  process.kill(up.pid, 'SIGCONT');
  await more(5);
  await up.stop();
});

test('F99: as long as a worker does not answer there is no sign of life', async (t) => {
  const address = join(makeTemp(t, 'notify'), 'socket');
  const receiver = await startNotifyReceiver(t, address);
  let well = true;
  let asked = 0;
  const answering = () => {
    asked += 1;
    return well;
  };
  const served = { status: () => daemonStatus([]), subscribe: () => () => undefined, answering };
  const manager = new ServiceManager({ address, every: 50 }, process.env['PATH'] ?? '', (text) => t.fail(text));
  t.teardown(() => manager.close());
  manager.ready(served);
  await waitUntil('signs of life', () => receiver.count('WATCHDOG=1') >= 3);
  well = false;
  const from = asked;
  await waitUntil('the last one is over', () => asked > from + 5);
  const before = receiver.count('WATCHDOG=1');
  await waitUntil('many looks', () => asked > from + 15);
  t.equal(receiver.count('WATCHDOG=1'), before);
  well = true;
  await waitUntil('signs of life', () => receiver.count('WATCHDOG=1') > before);
});

test('a service manager that cannot be told is named once, and the daemon runs on', async (t) => {
  const sshd = await startSshd(t);
  const env = { NOTIFY_SOCKET: join(makeTemp(t, 'notify'), 'nobody'), WATCHDOG_USEC: '200000' };
  const { up } = await startService(t, sshd, env);
  await up.waitForOutput(/systemd-notify could not tell the service manager \(.*\); look at NotifyAccess in the unit/);
  await up.waitForOutput(/reaches its target/);
  const { stderr } = await up.stop();
  t.equal(stderr.match(/could not tell/g)?.length, 1);
  const missing: string[] = [];
  const watch = { address: env.NOTIFY_SOCKET, every: null };
  const manager = new ServiceManager(watch, makeTemp(t, 'empty'), (text) => missing.push(text));
  manager.ready({ status: () => daemonStatus([]), subscribe: () => () => undefined, answering: () => true });
  t.teardown(() => manager.close());
  await waitUntil('it is told', () => missing.length > 0);
  t.match(missing[0], /^NOTIFY_SOCKET is set, and the program systemd-notify is not in PATH, .*; install it/);
});

test('without NOTIFY_SOCKET nobody is told; what is for us is taken out of the environment, and another process has its own watchdog', (t) => {
  t.equal(takeWatch({ WATCHDOG_USEC: '3000000' }, 7), null);
  const env = { NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '3000000', WATCHDOG_PID: '7', HOME: '/h' };
  t.same(takeWatch(env, 7), { address: '@x', every: 1_500 }, 'half of the time');
  t.same(env, { HOME: '/h' });
  t.same(takeWatch({ NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '3000000', WATCHDOG_PID: '8' }, 7), {
    address: '@x',
    every: null,
  });
  t.same(takeWatch({ NOTIFY_SOCKET: '@x', WATCHDOG_USEC: 'soon' }, 7), { address: '@x', every: null });
  const blocked = relayStatus('c', { word: 'blocked' });
  t.equal(statusLine(daemonStatus([relayStatus('a'), relayStatus('b'), blocked])), '3 relays: 2 connected, 1 blocked');
  t.equal(statusLine(daemonStatus([])), '0 relays');
  t.end();
});
