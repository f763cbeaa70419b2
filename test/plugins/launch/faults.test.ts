import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { test } from 'tap';
import { Fault } from '../../../src/core/model/fault.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { HERE, launching, startSquatter, stateFolder } from '../../fixtures/launching.ts';
import { freePort } from '../../fixtures/port.ts';
import { endAll, processesWith, runs } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { waitUntil } from '../../fixtures/wait.ts';
import { endBackend } from '../../../src/plugins/launch/manage.ts';

const recipe = {
  prints: 'listening on ws://[^\\s:]+:(\\d+)',
  token: { from: 'output', pattern: 'pairing token: (\\S+)', none: 'no pairing' },
};

test('a backend that is late is waited for, and its last line is shown without its token', async (t) => {
  const sshd = await startSshd(t);
  const { up, progress } = await launching(t, await openTestLink(t, sshd), {
    command: `echo "pairing token: not-yet-the-12one"; echo "building 1 of 2"; sleep 2; exec ${HERE} serve --port={port}`,
    recipe: { ...recipe, token: { ...recipe.token, pattern: 'pairing token: (real-\\S+)' } },
    env: { MAINS_SERVE_TOKEN: 'real-token' },
  });
  t.equal((await up()).token?.reveal(), 'real-token');
  t.ok(progress.includes('building 1 of 2'), String(progress));
  t.notMatch(progress.join(), /not-yet|real-token/);
});

test('one that never gets ready is given up with its last lines, and goes on running unless it is to stop', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const waiting = 'echo "first"; printf "\\033[31mwaiting for token=abc123\\033[0m\\r\\n"; exec sleep 1000';
  const keep = await launching(t, link, { command: waiting, port: await freePort(), deadline: '2s', name: 'kept' });
  const fault = await keep.up().then(() => new Fault('INTERNAL', 'it was ready'), Fault.from);
  t.match(fault, { code: 'LAUNCH_TIMEOUT' });
  t.match(
    fault.message,
    /^the backend kept was not ready: nothing of it listens on port \d+ in 2 s; last output: "first", "waiting for token=\[secret\]";/,
  );
  const run = /^run (\S+)/.exec(readFileSync(join(stateFolder(sshd.home, 'kept'), 'run'), 'utf8'))?.[1];
  t.equal(processesWith(`TOWLINE_RUN=${run}`).length, 1);

  // The deadline of the hook itself is told in the same way.
  const late = AbortSignal.timeout(1_000);
  const signal = new AbortController();
  late.addEventListener('abort', () => signal.abort(new Fault('LAUNCH_TIMEOUT', 'the hook took too long')));
  await t.rejects(keep.up({ signal: signal.signal }), { code: 'LAUNCH_TIMEOUT', message: /last output: "first"/ });
  const lost = new AbortController();
  const up = keep.up({ signal: lost.signal });
  lost.abort(new Fault('LINK_LOST', 'the link is gone'));
  await t.rejects(up, { code: 'LINK_LOST' });

  const none = await launching(t, link, {
    command: `exec ${HERE} http --port={port}`,
    recipe,
    deadline: '2s',
    late: 'stop',
    name: 'ended',
  });
  await t.rejects(none.up(), {
    code: 'LAUNCH_TIMEOUT',
    message: /no pairing token seen in 2 s; last output: "http listening/,
  });
  const ended = /^run (\S+)/.exec(readFileSync(join(stateFolder(sshd.home, 'ended'), 'run'), 'utf8'))?.[1];
  t.same(
    processesWith(`TOWLINE_RUN=${ended}`),
    [],
    'it has ended before that is told: who tries again adopts no dying one',
  );
});

test('only the run that was late is ended, not one that was started since under the same name', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const { up, host } = await launching(t, link, { command: `exec ${HERE} serve --port={port}`, recipe });
  const { run } = await up();
  t.match(await endBackend(host, 'box', { forGood: false, run: 'f'.repeat(32) }), { was: 'none' });
  t.match(await up(), { run, adopted: true }, 'it lives');
  t.match(await endBackend(host, 'box', { forGood: false, run: run ?? 'none' }), { was: 'ended' });
});

test('a token that comes twice, in pieces, in colour and on stderr is found', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const say = 'printf "pairing to"; sleep 0.3; printf "\\033[1mken: fir"; sleep 0.3; printf "st\\033[0m\\nx\\n"';
  const twice = await launching(t, link, {
    command: `{ ${say}; echo "pairing token: second"; } >&2; sleep 0.3; exec ${HERE} http --port={port}`,
    recipe,
  });
  t.equal((await twice.up()).token?.reveal(), 'second');
  t.match(twice.warnings, [/^the backend box: it printed another token; the last one counts/]);
});

test('noise is survived: binary output, and 100 MB without a line feed, in bounded space', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const options = {
    command: `head -c 1000000 /dev/urandom; echo; yes | tr -d '\\n' | head -c 100000000; echo flood over >over; echo; exec ${HERE} serve --port={port}`,
    recipe,
    env: { MAINS_SERVE_TOKEN: 'after-the-flood' },
  };
  const { up } = await launching(t, link, options);
  const before = process.memoryUsage.rss();
  const busy = process.cpuUsage();
  const began = performance.now();
  const backend = await up();
  const { user, system } = process.cpuUsage(busy);
  t.equal(backend.token?.reveal(), 'after-the-flood');
  t.match(readFileSync(join(sshd.home, 'over'), 'utf8'), /flood over/);
  t.ok(process.memoryUsage.rss() - before < 64 * 1024 * 1024, 'our memory');
  t.ok((user + system) / 1000 < (performance.now() - began) / 2, 'our time');
  const dir = stateFolder(sshd.home, 'box');
  const pieces = readdirSync(dir).filter((name) => name.startsWith('log.'));
  t.equal(pieces.length, 2);
  for (const piece of pieces) t.ok(statSync(join(dir, piece)).size <= 1024 * 1024, piece);
});

test('what comes line by line is in the log to the last one', async (t) => {
  const sshd = await startSshd(t);
  const lines = 'n=0; while [ $n -lt 40 ]; do n=$((n + 1)); echo "line $n"; sleep 0.01; done';
  const { up } = await launching(t, await openTestLink(t, sshd), {
    command: `${lines}; exec ${HERE} http --port={port}`,
  });
  await up();
  const log = readFileSync(join(stateFolder(sshd.home, 'box'), 'log.1'), 'utf8');
  t.same(log.match(/^line \d+$/gm)?.length, 40);
});

test('one that ends before it is ready is told by its exit code and its last lines', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const cases = [
    [
      'echo one; echo "it broke \\033]0;title\\007" >&2; exit 3',
      /^the backend box ended with exit code 3 before it was ready; last output: "one", "it broke"; /,
    ],
    ['kill -9 $$', /^the backend box was ended by signal 9 before it was ready; /],
    [
      'no-such-program-here',
      /exit code 127 .*: no-such-program-here: not found"; `towline backend logs box` shows more$/,
    ],
  ] as const;
  for (const [command, message] of cases) {
    const began = performance.now();
    await t.rejects((await launching(t, link, { command, port: 8787 })).up(), { code: 'LAUNCH_FAILED', message });
    t.ok(performance.now() - began < 8_000, 'it does not wait for the deadline');
  }
});

test('one that opens its port, takes a connection and ends is never called ready', async (t) => {
  const sshd = await startSshd(t);
  const code = `require("net").createServer(() => { console.log("no root, please"); process.exit(5); }).listen({port}, "127.0.0.1")`;
  const { up } = await launching(t, await openTestLink(t, sshd), { command: `exec ${process.execPath} -e '${code}'` });
  await t.rejects(up(), { code: 'LAUNCH_FAILED', message: /exit code 5 .*last output: "no root, please"/ });
});

test('a launcher that goes into the background is followed, and one that left us is told', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const options = { command: `setsid ${HERE} http --delay=700 --port={port} & exit 0`, name: 'daemon' };
  const first = await launching(t, link, options);
  const backend = await first.up();
  t.match(backend, { adopted: false });
  const again = await (await launching(t, link, options)).up();
  t.match(again, { adopted: true, run: backend.run, target: backend.target });
  await endAll(processesWith(`TOWLINE_RUN=${backend.run}`));
  t.match(await first.up(), { adopted: false });

  const port = await startSquatter(t);
  const left = await launching(t, link, { command: `echo "listening on ws://localhost:${port}"`, recipe });
  await t.rejects(left.up(), {
    code: 'LAUNCH_FAILED',
    message: new RegExp(
      `^the launcher of box ended with exit code 0, and port ${port} answers, but by a process of uid`,
    ),
  });
  const other = await freePort();
  const none = await launching(t, link, { command: 'true', port: other });
  await t.rejects(none.up(), { code: 'LAUNCH_FAILED', message: new RegExp(`port ${other} does not answer`) });
});

test('a backend that takes another port than the one it was given is followed', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  // The port is taken between the look at it and the start.
  const { up } = await launching(t, link, { command: `: {port}; exec ${HERE} serve`, recipe });
  const { target } = await up();
  const given = Number(/^port (\d+)$/m.exec(readFileSync(join(stateFolder(sshd.home, 'box'), 'run'), 'utf8'))?.[1]);
  t.ok(target.kind === 'tcp' && target.port !== given && target.port > 0);
});

test('what listens on the printed port without being ours is never taken for the backend', async (t) => {
  const sshd = await startSshd(t);
  const port = await startSquatter(t);
  const { up } = await launching(t, await openTestLink(t, sshd), {
    command: `echo "listening on ws://127.0.0.1:${port}"; echo "pairing token: x1"; exec sleep 1000`,
    recipe,
    deadline: '3s',
  });
  await t.rejects(up(), {
    code: 'BACKEND_FOREIGN',
    message: new RegExp(
      `^port ${port} on .* belongs to a process of uid \\d+ .*, pid ${process.pid}, .*, not to the backend box`,
    ),
  });
});

test('an address of another host that it prints is not believed', async (t) => {
  const sshd = await startSshd(t);
  const { up, warnings } = await launching(t, await openTestLink(t, sshd), {
    command: `echo "listening on ws://evil.test:80/"; exec ${HERE} serve --port={port}`,
    recipe,
  });
  const { target } = await up();
  t.ok(target.kind === 'tcp' && target.host === '127.0.0.1' && target.port >= 20_000);
  t.match(warnings, [/it printed an address of another host, evil\.test/]);
});

test('what a dead run left is named, and neither killed nor doubled', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const { up, host } = await launching(t, link, { command: `sleep 1000 & exec ${HERE} http --port={port}` });
  const { run, says } = await up();
  const main = Number(/^pid (\d+)/.exec(says)?.[1]);
  const orphans = processesWith(`TOWLINE_RUN=${run}`).filter((pid) => pid !== main);
  t.equal(orphans.length, 1);
  await endAll([main]);
  await t.rejects(up(), {
    code: 'LAUNCH_FAILED',
    message: new RegExp(
      `^the backend box is gone, but processes of it are left \\(pid ${orphans[0]} sleep\\) .*\`towline backend stop box\` ends them`,
    ),
  });
  t.same(processesWith(`TOWLINE_RUN=${run}`), orphans);
  t.match(await endBackend(host, 'box', { forGood: false }), { was: 'ended', left: [] });
  t.same(processesWith(`TOWLINE_RUN=${run}`), []);
  t.match(await up(), { adopted: false });
});

test('stop ends a backend that ignores TERM, and it is not started again unless somebody asks for it', async (t) => {
  const sshd = await startSshd(t);
  const { up, host } = await launching(t, await openTestLink(t, sshd), {
    command: `trap '' TERM; sleep 1000 & exec ${HERE} http --port={port}`,
  });
  const { run } = await up();
  const pids = processesWith(`TOWLINE_RUN=${run}`);
  t.equal(pids.length, 2);
  const began = performance.now();
  t.match(await endBackend(host, 'box', { forGood: true }), { was: 'ended', left: [] });
  t.ok(performance.now() - began > 4_500, 'TERM had its time');
  t.notOk(pids.some(runs));
  await t.rejects(up(), { code: 'BACKEND_STOPPED', message: /`towline restart` the relay starts it again/ });
  t.match(await up({ forced: true }), { adopted: false });
  t.match(await up(), { adopted: true });
});

test('a recycled pid is not the backend', async (t) => {
  const sshd = await startSshd(t);
  const { up } = await launching(t, await openTestLink(t, sshd), { command: `exec ${HERE} http --port={port}` });
  const { run } = await up();
  await endAll(processesWith(`TOWLINE_RUN=${run}`));
  const file = join(stateFolder(sshd.home, 'box'), 'run');
  await waitUntil('its end', () => readdirSync(stateFolder(sshd.home, 'box')).includes('exit'));
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^pid .*$/m, `pid ${process.pid}`));
  t.match(await up(), { adopted: false });
});
