import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'tap';
import { endBackend } from '../../../src/plugins/launch/manage.ts';
import { startLaunchHost } from '../../fixtures/launch-host.ts';
import { HERE, launching, stateFolder } from '../../fixtures/launching.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { freePort } from '../../fixtures/port.ts';
import { endAll, processesWith } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { waitUntil } from '../../fixtures/wait.ts';
import {
  comesLate,
  endsAtOnce,
  goesIntoBackground,
  ignoresTerm,
  leavesOrphans,
  neverComes,
  printsInDisguise,
  printsTwoAddresses,
  recipe,
} from './fault-scenes.ts';
import { isSquatted, printsAnotherHost, takesAnotherPort } from './port-scenes.ts';

test('a backend that is late is waited for, and its last line is shown without its token', async (t) => {
  await comesLate(t, await startLaunchHost(t));
});

test('one that never gets ready is given up with its last lines, and goes on running unless it is to stop', async (t) => {
  await neverComes(t, await startLaunchHost(t));
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
  await printsInDisguise(t, await startLaunchHost(t));
});

test('a second token counts at the same address; at another one the first counts, and both are told', async (t) => {
  await printsTwoAddresses(t, await startLaunchHost(t));
});

/** What V8 holds on to, bytes, its buffers too; what nobody needs any more is not in it. */
function heldMemory(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test('noise is survived: binary output, and 100 MB without a line feed, in bounded space', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const options = {
    command: `head -c 1000000 /dev/urandom; echo; yes | tr -d '\\n' | head -c 100000000; echo flood over >over; echo; exec ${HERE} serve --port={port}`,
    recipe,
    env: { MAINS_SERVE_TOKEN: 'after-the-flood' },
  };
  const { up } = await launching(t, link, options);
  const held = heldMemory();
  const before = process.memoryUsage.rss();
  const busy = process.cpuUsage();
  const began = performance.now();
  const backend = await up();
  const { user, system } = process.cpuUsage(busy);
  t.equal(backend.token?.reveal(), 'after-the-flood');
  t.match(readFileSync(join(sshd.home, 'over'), 'utf8'), /flood over/);
  t.ok(process.memoryUsage.rss() - before < 64 * 1024 * 1024, 'our memory');
  const kept = heldMemory() - held;
  t.comment(`measured F81 kept of it ${(kept / 2 ** 20).toFixed(2)} MiB`);
  t.ok(kept < 8 * 1024 * 1024, 'what is kept of it');
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
  await endsAtOnce(t, await startLaunchHost(t));
});

test('one that opens its port, takes a connection and ends is never called ready', async (t) => {
  const sshd = await startSshd(t);
  const code = `require("net").createServer(() => { console.log("no root, please"); process.exit(5); }).listen({port}, "127.0.0.1")`;
  const { up } = await launching(t, await openTestLink(t, sshd), { command: `exec ${process.execPath} -e '${code}'` });
  await t.rejects(up(), { code: 'LAUNCH_FAILED', message: /exit code 5 .*last output: "no root, please"/ });
});

test('a launcher that goes into the background is followed, and one that left us is told', async (t) => {
  await goesIntoBackground(t, await startLaunchHost(t));
});

test('a backend that takes another port than the one it was given is followed', async (t) => {
  await takesAnotherPort(t, await startLaunchHost(t));
});

test('what listens on the printed port without being ours is never taken for the backend', async (t) => {
  await isSquatted(t, await startLaunchHost(t));
});

test('an address of another host, or of another port than it was told to use, is not believed', async (t) => {
  await printsAnotherHost(t, await startLaunchHost(t));
});

test('what a dead run left is named, and neither killed nor doubled', async (t) => {
  await leavesOrphans(t, await startLaunchHost(t));
});

test('stop ends a backend that ignores TERM, and it is not started again unless somebody asks for it', async (t) => {
  await ignoresTerm(t, await startLaunchHost(t));
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

test('one that says nothing is told by what it is waited for, one whose words end as well', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const silent = await launching(t, link, { command: 'exec sleep 1000', port: await freePort(), deadline: '4s' });
  await t.rejects(silent.up(), { code: 'LAUNCH_TIMEOUT' });
  t.match(silent.progress, [/^its backend does not listen on port \d+ yet; it has printed nothing$/]);
  const mute = await launching(t, link, {
    command: `echo starting; exec ${HERE} http --port={port} --silent`,
    recipe,
    deadline: '5s',
    name: 'mute',
  });
  await t.rejects(mute.up(), { code: 'LAUNCH_TIMEOUT' });
  t.match(mute.progress, ['starting', 'its backend has not printed its token yet; last output: "starting"']);
});

test('a program that the shell does not find is named, with the shell that may find it', async (t) => {
  const sshd = await startSshd(t);
  const { up } = await launching(t, await openTestLink(t, sshd), { command: 'cd / && nosuchserve --port={port}' });
  await t.rejects(up(), {
    code: 'LAUNCH_FAILED',
    message: /exit code 127 .*; the shell did not find nosuchserve: "shell": "login" reads the startup files/,
  });
});
