import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { test } from 'tap';
import { remoteHost } from '../../../src/core/ssh/link/remote-host.ts';
import { bringUp } from '../../../src/plugins/launch/bring-up.ts';
import { parseOptions } from '../../../src/plugins/launch/options.ts';
import { Sessions } from '../../../src/plugins/launch/sessions.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { HERE, launching, startClient, startSquatter, stateFolder } from '../../fixtures/launching.ts';
import { commandOf, endAll, processesWith, runs } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { waitUntil } from '../../fixtures/wait.ts';

const options = { command: `exec ${HERE} http --port={port}`, lifetime: 'session' };
const stubborn = { ...options, command: `trap '' TERM; sleep 1000 & ${HERE} http --port={port}` };

test('a backend of a session is gone soon after its link, even one that ignores TERM', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const { up } = await launching(t, link, stubborn);
  const { run } = await up();
  t.equal(processesWith(`TOWLINE_RUN=${run}`).length, 3);
  const closed = performance.now();
  link.close();
  await waitUntil('its end', () => processesWith(`TOWLINE_RUN=${run}`).length === 0);
  t.ok(performance.now() - closed < 5_000);
  // The next one waits for that end rather than adopting what is about to go.
  const next = await (await launching(t, await openTestLink(t, sshd), options)).up();
  t.match(next, { adopted: false });
  t.not(next.run, run);
});

test('after kill -9 of its client a session ends, and what is detached goes on and is adopted', async (t) => {
  const sshd = await startSshd(t);
  const short = await startClient(t, sshd.sshConfigFile, { ...options, name: 'short' });
  const long = await startClient(t, sshd.sshConfigFile, { ...options, lifetime: 'detached', name: 'long' });
  const pids = processesWith(`TOWLINE_RUN=${long.run}`);
  const killed = performance.now();
  for (const { child } of [short, long]) child.kill('SIGKILL');
  await waitUntil('the end of the session', () => processesWith(`TOWLINE_RUN=${short.run}`).length === 0);
  t.ok(performance.now() - killed < 5_000);
  const again = await launching(t, await openTestLink(t, sshd), { ...options, lifetime: 'detached', name: 'long' });
  t.match(await again.up(), { adopted: true, run: long.run });
  t.same(processesWith(`TOWLINE_RUN=${long.run}`), pids);
});

test('a second link adopts the backend of a session that lives, and is told whose it is', async (t) => {
  const sshd = await startSshd(t);
  const first = await (await launching(t, await openTestLink(t, sshd), options)).up();
  const second = await launching(t, await openTestLink(t, sshd), options);
  t.match(await second.up(), { adopted: true, run: first.run });
  t.match(second.warnings, [/belongs to another link, and ends with it/]);
});

test('a session that is looked after again over its own link belongs to no other one', async (t) => {
  const sshd = await startSshd(t);
  const { up, warnings } = await launching(t, await openTestLink(t, sshd), options);
  const { run } = await up();
  t.match(await up(), { adopted: true, run });
  t.same(warnings, []);
});

test('the end of a session that comes late ends its own run only, and no successor', async (t) => {
  const sshd = await startSshd(t);
  const host = remoteHost(await openTestLink(t, sshd));
  const quiet = {
    signal: new AbortController().signal,
    forced: false,
    progress: () => undefined,
    warn: () => undefined,
  };
  const begin = async () => {
    const session = new AbortController();
    t.teardown(() => session.abort(new Error('the test is over')));
    // Nobody ends the older session once its backend is gone, as on a road that is slower than the start of the next one.
    const own = {
      relay: 'box',
      signal: session.signal,
      launched: () => undefined,
      idle: () => undefined,
      isOwn: () => false,
    };
    return { session, backend: await bringUp(host, 'box', parseOptions(options), quiet, own) };
  };
  const first = await begin();
  await endAll(processesWith(`TOWLINE_RUN=${first.backend.run}`));
  const keepers = () => processesWith(`TOWLINE_TEST_SSHD=${sshd.dir}`).filter((pid) => /keep$/.test(commandOf(pid)));
  const old = keepers();
  t.ok(old.length > 0);
  const second = await begin();
  t.match(second.backend, { adopted: false });
  const pids = processesWith(`TOWLINE_RUN=${second.backend.run}`);
  first.session.abort(new Error('late'));
  await waitUntil('the end of the first keeper', () => !old.some(runs));
  t.same(processesWith(`TOWLINE_RUN=${second.backend.run}`), pids);
  t.notOk(existsSync(join(stateFolder(sshd.home, 'box'), 'ending')), 'nobody began to end it');
  second.session.abort(new Error('now'));
  await waitUntil('its end', () => processesWith(`TOWLINE_RUN=${second.backend.run}`).length === 0);
});

test('a try that started nothing keeps nothing, and one that may have started something is kept', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const host = remoteHost(link);
  const over = new AbortController();
  t.teardown(() => over.abort(new Error('the test is over')));
  const sessions = new Sessions('box', over.signal);
  const lost = new AbortController();
  const bring = (more: object, signal = lost.signal) => {
    const call = { signal, forced: false, progress: () => undefined, warn: () => undefined };
    return bringUp(host, 'box', parseOptions({ ...options, ...more }), call, sessions.begin(lost.signal));
  };
  for (const lifetime of ['session', 'detached']) {
    const taken = { lifetime, port: await startSquatter(t) };
    for (const _ of [1, 2, 3]) await t.rejects(bring(taken), { code: 'LAUNCH_PORT_TAKEN' });
    t.equal(sessions.size, 0, lifetime);
  }
  const late = AbortSignal.timeout(1);
  await t.rejects(bring({}, late));
  t.equal(sessions.size, 1, 'its script goes on');
  const { run } = await bring({});
  for (const _ of [1, 2, 3]) t.match(await bring({}), { adopted: true, run });
  t.equal(sessions.size, 1, 'the one that keeps watch over it');
  lost.abort(new Error('the link is lost'));
  t.equal(sessions.size, 0);
  await waitUntil('its end', () => processesWith(`TOWLINE_RUN=${run}`).length === 0);
});

test('a session whose backend ended launches another one over the same link', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const { up, host, warnings } = await launching(t, link, options);
  const first = await up();
  t.match(await up(), { adopted: true, run: first.run });
  t.same(warnings, [], 'it is its own');
  await host.run(`kill -9 ${processesWith(`TOWLINE_RUN=${first.run}`).join(' ')}`);
  await waitUntil('its end', () => processesWith(`TOWLINE_RUN=${first.run}`).length === 0);
  const second = await up();
  t.match(second, { adopted: false });
  link.close();
  await waitUntil('the end', () => processesWith(`TOWLINE_RUN=${second.run}`).length === 0);
});
