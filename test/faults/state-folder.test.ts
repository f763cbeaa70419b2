import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { openClient } from '../../src/control/client.ts';
import { writeConfig } from '../e2e/daemon.ts';
import { startEcho } from '../fixtures/backend.ts';
import { dial, exchange } from '../fixtures/client.ts';
import { homeOf, type RunningCli, runTowline, startTowline } from '../fixtures/cli.ts';
import { type Namespace, noNamespaces, startNamespace } from '../fixtures/namespace.ts';
import { type Sshd, startSshd } from '../fixtures/sshd.ts';
import { waitUntil, within } from '../fixtures/wait.ts';
import { clock, measured } from './measure.ts';

interface Scene {
  readonly sshd: Sshd;
  readonly namespace: Namespace;
  /** The state folder, which there is not yet. */
  readonly state: string;
  readonly config: string;
  readonly listen: string;
}

/** Mounts of its own and the network of everybody: only the daemon sees what is mounted. */
async function scene(t: Test): Promise<Scene> {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const home = homeOf(t);
  const listen = join(home, 'r.sock');
  // A `:0` listener has its port remembered: that is what is written to the state folder.
  const forwards = [
    { listen: `unix:${listen}`, target: `127.0.0.1:${echo.port}` },
    { listen: 0, target: `127.0.0.1:${echo.port}` },
  ];
  const config = writeConfig(t, sshd, { r: { host: 'test', forwards } });
  return { sshd, namespace: await startNamespace(t), state: join(home, '.state', 'towline'), config, listen };
}

const mountsOf = ({ pid }: Namespace): readonly string[] => ['nsenter', `--mount=/proc/${pid}/ns/mnt`, '--'];

async function statusOf(t: Test): Promise<{ word: string; port: number }> {
  const { relays } = await openClient(join(homeOf(t), 'run', 'towline.sock')).status();
  const [relay] = relays;
  const listen = relay?.forwards[1]?.listen;
  return { word: relay?.standing.word ?? '', port: listen?.kind === 'tcp' ? listen.port : 0 };
}

const connected = (t: Test): Promise<void> =>
  waitUntil('the relay is connected', () =>
    statusOf(t).then(
      ({ word }) => word === 'connected',
      () => false,
    ),
  );

async function ends(t: Test, cli: RunningCli): Promise<void> {
  t.equal((await runTowline(t, ['down', '--now'])).code, 0);
  t.equal((await cli.ended).code, 0);
}

test('F56: a full disk under the state folder stops no byte, is said once, and the log goes on when there is room', {
  skip: noNamespaces,
}, async (t) => {
  const { namespace, state, config, listen } = await scene(t);
  await namespace.run('mkdir', '-m', '700', '-p', state);
  await namespace.run('mount', '-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', state);
  const under = mountsOf(namespace);
  const first = startTowline(t, ['up', '--config', config], { under });
  await connected(t);
  const { port } = await statusOf(t);
  await ends(t, first);
  const ports = await namespace.run('cat', join(state, 'ports.json'));
  t.match(ports, String(port));
  const filled = await namespace.run('sh', '-c', `cat /dev/zero > ${state}/filler 2>/dev/null; echo full`);
  t.match(filled, 'full');
  // As good as full: a page that the log has begun may still have room.
  const since = clock();
  const cli = startTowline(t, ['up', '--config', config], { under });
  await connected(t);
  for (let n = 0; n < 40; n += 1) {
    await write(t, n);
    if (/log cannot be written/.test(cli.stderr())) break;
  }
  await connected(t);
  t.equal(String(await exchange(listen, 'on a full disk')), 'on a full disk');
  t.equal(String(await exchange(port, 'the same port')), 'the same port');
  t.equal(cli.stderr().match(/the log cannot be written .*ENOSPC.*; forwarding goes on/g)?.length, 1, cli.stderr());
  t.equal(await namespace.run('cat', join(state, 'ports.json')), ports, 'the old file is whole');
  t.notMatch(await namespace.run('ls', state), /ports\.json\./, 'nothing half-written is left');
  await namespace.run('rm', join(state, 'filler'));
  await write(t, 0);
  await connected(t);
  const log = await namespace.run('cat', join(state, 'towline.log'));
  t.match(log, /\d+ log lines were lost/);
  t.doesNotThrow(() => {
    for (const line of log.trimEnd().split('\n')) JSON.parse(line);
  }, 'no half line is in it');
  measured(t, 'F56', { disk: '64KiB', took: since(), lost: '0' });
  await ends(t, cli);
});

/** Something to be written to the log. */
async function write(t: Test, n: number): Promise<void> {
  const client = openClient(join(homeOf(t), 'run', 'towline.sock'));
  await client.command(n % 2 === 0 ? 'restart' : 'start', 'r');
}

test('F57: a read-only state folder is a memory only, and one that cannot be made is refused by name', {
  skip: noNamespaces,
}, async (t) => {
  const { namespace, state, config, listen } = await scene(t);
  const under = mountsOf(namespace);
  await namespace.run('mkdir', '-m', '700', '-p', state);
  await namespace.run('mount', '--bind', state, state);
  await namespace.run('mount', '-o', 'remount,bind,ro', state);
  const cli = startTowline(t, ['up', '--config', config], { under });
  await connected(t);
  t.equal(String(await exchange(listen, 'read-only')), 'read-only');
  t.match(cli.stderr(), /the log cannot be written .*EROFS.*; forwarding goes on/);
  t.match(cli.stdout(), /port \d+ cannot be remembered .*EROFS.*; make room there, or name a port in listen/);
  const { port } = await statusOf(t);
  t.equal(String(await exchange(port, 'a port')), 'a port');
  await ends(t, cli);
  t.same(readdirSync(state), []);
  await namespace.run('umount', state);
  await namespace.run('rmdir', state);
  const parent = join(homeOf(t), '.state');
  await namespace.run('mount', '--bind', parent, parent);
  await namespace.run('mount', '-o', 'remount,bind,ro', parent);
  const refused = await runTowline(t, ['up', '--config', config], { under });
  t.equal(refused.code, 73);
  t.match(refused.stderr, /the folder .*\.state\/towline cannot be created \(EROFS\); .* \[RUNTIME_UNSAFE\]/);
  await namespace.run('umount', parent);
  const made = startTowline(t, ['up', '--config', config], { under });
  await connected(t);
  t.ok(existsSync(join(state, 'ports.json')), 'a folder that is not there is made');
  await ends(t, made);
});

test('F57: without HOME the home folder of the user is taken, as ssh does', async (t) => {
  const { config } = await scene(t);
  // Unset, and not empty: env(1) takes it away.
  const said = await runTowline(t, ['check', '--config', config], { under: ['env', '-u', 'HOME'] });
  t.equal(said.code, 0, said.stdout + said.stderr);
});

for (const [what, inject] of [
  ['fsync that fails', 'fsync:error=EIO'],
  ['rename that fails', 'rename,renameat,renameat2:error=EIO'],
  ['rename that leads to another disk', 'rename,renameat,renameat2:error=EXDEV'],
] as const) {
  test(`F58: a ${what} costs the memory of a port, not the port, and leaves the old file whole`, {
    skip: noStrace(),
  }, async (t) => {
    const { sshd, config, state, listen } = await scene(t);
    const cli = startTowline(t, ['up', '--config', config]);
    await connected(t);
    const file = join(state, 'ports.json');
    const old = readFileSync(file, 'utf8');
    const end = await meddle(t, cli.pid, inject);
    const forwards = [
      { listen: `unix:${listen}`, target: `127.0.0.1:${sshd.port}` },
      { listen: 0, target: `127.0.0.1:${sshd.port}` },
    ];
    writeConfig(t, sshd, { r: { host: 'test', forwards } });
    t.equal((await runTowline(t, ['reload'])).code, 0);
    await cli.waitForOutput(
      /port \d+ cannot be remembered \(E(IO|XDEV).*\); make room there, or name a port in listen/,
    );
    t.equal(readFileSync(file, 'utf8'), old);
    t.same(
      readdirSync(state).filter((name) => name.startsWith('ports')),
      ['ports.json'],
    );
    await connected(t);
    const greeting = await dial((await statusOf(t)).port);
    t.match(String((await within('a greeting', once(greeting, 'data')))[0]), /^SSH-2\.0/);
    greeting.destroy();
    await end();
    const more = [...forwards, { listen: 0, target: `localhost:${sshd.port}` }];
    writeConfig(t, sshd, { r: { host: 'test', forwards: more } });
    t.equal((await runTowline(t, ['reload'])).code, 0);
    await waitUntil('the port is remembered', () => readFileSync(file, 'utf8').includes(`localhost:${sshd.port}`));
    t.match(readFileSync(file, 'utf8'), String((await statusOf(t)).port), 'so is the one that could not be written');
    measured(t, 'F58', { inject, port: 'served' });
    await ends(t, cli);
  });
}

/** Has system calls of a process fail, until the function that comes back is called. */
async function meddle(t: Test, pid: number, inject: string): Promise<() => Promise<void>> {
  const args = [
    '-f',
    '-o',
    '/dev/null',
    '-e',
    `trace=${inject.split(':')[0]}`,
    '-e',
    `inject=${inject}`,
    '-p',
    `${pid}`,
  ];
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => strace.kill('SIGKILL'));
  // Once it says so of one thread, the others are attached to in the same go; what is asked of them comes later.
  await within('the tracer', once(strace.stderr, 'data'));
  strace.stderr.resume();
  return async () => {
    const gone = once(strace, 'exit');
    strace.kill('SIGINT');
    await within('the end of the tracer', gone);
  };
}

function noStrace(): string | false {
  const found = (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, 'strace')));
  return found ? noNamespaces : 'needs strace';
}
