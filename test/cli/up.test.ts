import { spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { faults } from '../../src/core/model/fault-table.ts';
import { cliEnv, homeOf, runTowline, startTowline } from '../fixtures/cli.ts';
import { configure } from './configured.ts';
import { MAIN } from '../fixtures/main-file.ts';
import { daemonClient } from '../fixtures/daemon-client.ts';

test('up tells what happens line by line, and SIGTERM ends it with 0', async (t) => {
  const port = await configure(t);
  const up = startTowline(t, ['up']);
  await up.waitForOutput(new RegExp(`dev-box: listening on 127\\.0\\.0\\.1:${port}\n`));
  await up.waitForOutput(/dev-box: .*\[[A-Z_]+\]/);
  const { code, stdout, stderr } = await up.stop('SIGTERM');
  t.equal(code, 0);
  t.equal(stderr, '');
  t.match(
    stdout,
    /SIGTERM: ending when open connections have.*\n(.*\n)*.*towline is stopping: SIGTERM\n(.*\n)*.*dev-box: stopped\n$/,
  );
  t.notOk(stdout.includes('\u001b'), 'no colours where nobody looks');
});

test('SIGHUP reads the config again', async (t) => {
  await configure(t);
  const up = startTowline(t, ['up']);
  await up.waitForOutput(/listening/);
  process.kill(up.pid, 'SIGHUP');
  await up.waitForOutput(/the config was read again: nothing changed/);
  t.equal((await up.stop('SIGINT')).code, 0);
});

test('up --json writes what the log has', async (t) => {
  await configure(t);
  const up = startTowline(t, ['up', '--json']);
  await up.waitForOutput(/listener\.bound/);
  const { stdout } = await up.stop();
  const log = readFileSync(join(homeOf(t), '.state/towline/towline.log'), 'utf8');
  t.equal(stdout, log);
  t.match(JSON.parse(stdout.split('\n')[0] ?? ''), { level: 30, event: 'daemon.started', id: 1 });
});

test('a killed daemon leaves nothing in the way of the next', async (t) => {
  await configure(t);
  const up = startTowline(t, ['up']);
  await up.waitForOutput(/listening/);
  await up.stop('SIGKILL');
  t.equal((await runTowline(t, ['status'])).code, 69);
  const next = startTowline(t, ['up']);
  await next.waitForOutput(/listening/);
  t.equal((await next.stop()).code, 0);
});

test('up --exit-on-failure ends with the first fault and its exit code', async (t) => {
  await configure(t);
  const refused = await runTowline(t, ['up', '--exit-on-failure']);
  t.match(refused.stderr, /^towline: .*127\.0\.0\.1.* \[[A-Z_]+\]\n$/);
  const name = /\[([A-Z_]+)\]/.exec(refused.stderr)?.[1] ?? '';
  t.equal(refused.code, Object.entries(faults).find(([fault]) => fault === name)?.[1].exit);

  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  await configure(t, { forwards: [`${port}:127.0.0.1:1`] });
  const taken = await runTowline(t, ['up', '--exit-on-failure']);
  t.equal(taken.code, faults.LISTEN_TAKEN.exit);
  t.match(taken.stderr, /\[LISTEN_TAKEN\]\n$/);
});

test('the daemon goes on when the readers of its output leave', async (t) => {
  await configure(t);
  const child = spawn(process.execPath, [MAIN, 'up'], {
    cwd: homeOf(t),
    env: cliEnv(t),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.stdout.destroy();
  child.stderr.destroy();
  await daemonClient(t).answers();
  for (const verb of ['stop', 'start', 'stop']) t.equal((await runTowline(t, [verb, 'dev-box'])).code, 0);
  t.equal((await runTowline(t, ['status'])).code, 0);
  const code = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  t.equal(await code, 0);
});

test('a bug ends the daemon with 70, one sentence, and its stack in the log', async (t) => {
  const bug = join(homeOf(t), 'bug.mjs');
  // No plugin can do this to a daemon: it comes with the process, once the daemon is up and heeds its bugs.
  const up = "name === 'uncaughtException' && process.listenerCount(name) === 1";
  const boom = "setImmediate(() => Promise.reject(new TypeError('boom')))";
  writeFileSync(bug, `process.on('newListener', (name) => { if (${up}) ${boom}; });\n`, { mode: 0o600 });
  await configure(t);
  const { code, stderr } = await runTowline(t, ['up'], { env: { NODE_OPTIONS: `--import=${bug}` } });
  t.equal(code, 70);
  t.equal(stderr, 'towline: a bug in towline: boom; please report it with the log [INTERNAL]\n');
  t.match(await runTowline(t, ['logs', 'nope']), {
    code: 66,
    stdout: '',
    stderr: /^towline: no relay is called "nope"; there /,
  });
  const { stdout } = await runTowline(t, ['logs', '--json', '-n', '1']);
  t.match(JSON.parse(stdout), { level: 60, code: 'INTERNAL', stack: /TypeError: boom\n +at / });
});

test('a runtime folder that others can reach is refused by daemon and client', async (t) => {
  await configure(t);
  chmodSync(join(homeOf(t), 'run'), 0o755);
  for (const words of [['up'], ['status'], ['up', '--detach']]) {
    const { code, stderr } = await runTowline(t, words);
    t.equal(code, 73, words.join(' '));
    t.match(stderr, /can be reached by others \(mode 0755\).* \[RUNTIME_UNSAFE\]\n$/);
  }
});
