import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'tap';
import { endBackend, listBackends, readBackendLog, reapBackend } from '../../../src/plugins/launch/manage.ts';
import { HERE, launching, stateFolder, toolsWithout } from '../../fixtures/launching.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { endAll, processesWith } from '../../fixtures/process-tree.ts';
import { type Sshd, startSshd } from '../../fixtures/sshd.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';

const mains = { recipe: 'mains', command: `exec ${HERE} serve --port={port}` };
const apart = spawnSync('unshare', ['-mu', 'mount', '-t', 'tmpfs', 'none', '/proc']).status === 0;
const needs = () => ({ skip: !apart && 'needs a user who may make namespaces' });

/** An sshd whose every session is led by a script; `$SSH_ORIGINAL_COMMAND` is what it was to run. */
async function startLed(t: Owner, script: (dir: string) => string): Promise<Sshd> {
  const dir = makeTemp(t, 'led');
  const file = join(dir, 'lead');
  writeFileSync(file, `#!/bin/sh\n${script(dir)}\n`, { mode: 0o755 });
  return startSshd(t, { config: [`ForceCommand ${file}`] });
}

test('where printf is no builtin no token is in an argument either', async (t) => {
  let [log, bin] = ['', ''];
  const sshd = await startLed(t, (dir) => {
    log = join(dir, 'said');
    bin = toolsWithout(dir, ['sh', 'printf']);
    const bash = join(dir, 'no-printf');
    writeFileSync(bash, 'enable -n printf\n');
    // The first bash of a session that sshd began does not read it.
    writeFileSync(join(bin, 'sh'), `#!/bin/sh\nexport SHLVL=5 BASH_ENV=${bash}\nexec /bin/bash "$@"\n`, {
      mode: 0o755,
    });
    const told = `printf "%s\\n" "$*" >>${log}; exec /usr/bin/printf "$@"`;
    writeFileSync(join(bin, 'printf'), `#!/bin/dash\n${told}\n`, { mode: 0o755 });
    return `PATH=${bin}; export PATH; exec sh -c "$SSH_ORIGINAL_COMMAND"`;
  });
  const link = await openTestLink(t, sshd);
  const { up, host } = await launching(t, link, mains);
  t.match((await host.run('type printf')).stdout, /^printf is .*\/tools\/printf/);
  const given = await up();
  const printing = {
    command: `exec ${HERE} serve`,
    env: { MAINS_SERVE_TOKEN: 'printed-token-1' },
    recipe: { prints: 'on ws://[^\\s:]+:(\\d+)', token: { from: 'output', pattern: 'pairing token: (\\S+)' } },
    name: 'printing',
  };
  t.equal((await (await launching(t, link, printing)).up()).token?.reveal(), 'printed-token-1');
  t.equal(readFileSync(join(stateFolder(sshd.home, 'printing'), 'token'), 'utf8'), 'printed-token-1\n');
  const again = await up();
  t.match(again, { adopted: true });
  t.equal(again.token?.reveal(), given.token?.reveal());
  for (const name of ['box', 'printing']) t.match(await endBackend(host, name, { forGood: true }), { was: 'ended' });
  // Who bounds the log of a run, or reads it over the link, prints until the last.
  link.close();
  await waitUntil('the last who prints', () => processesWith(`PATH=${bin}`).length === 0);
  const said = readFileSync(log, 'utf8');
  t.match(said, given.run ?? 'no run', 'what printf was told is known');
  t.notMatch(said, given.token?.reveal() ?? 'no token');
  t.notMatch(
    said.replace(/.*export MAINS_SERVE_TOKEN=.*/g, ''),
    /printed-token-1/,
    'but for what stands in the config',
  );
});

test('two hosts that share a home folder have each their own backend', needs(), async (t) => {
  const sshd = await startLed(
    t,
    () =>
      '[ -e "$HOME/other" ] || exec sh -c "$SSH_ORIGINAL_COMMAND"\nexec unshare -u sh -c \'hostname other-box; exec sh -c "$SSH_ORIGINAL_COMMAND"\'',
  );
  const first = await launching(t, await openTestLink(t, sshd), mains);
  const one = await first.up();
  writeFileSync(join(sshd.home, 'other'), '');
  const second = await launching(t, await openTestLink(t, sshd), mains);
  t.match(await listBackends(second.host), []);
  const two = await second.up();
  t.match(two, { adopted: false });
  t.not(two.run, one.run);
  t.match(await endBackend(second.host, 'box', { forGood: true }), { was: 'ended' });
  rmSync(join(sshd.home, 'other'));
  t.match(await first.up(), { adopted: true, run: one.run });
  const folders = readdirSync(join(sshd.home, '.local/state/towline/backends'));
  t.equal(folders.length, 2);
  t.ok(
    folders.some((name) => /^other-box-\d+$/.test(name)),
    String(folders),
  );
});

/** As a Mac or a BSD: no /proc, no flock, no setsid; ps asks the kernel in a way of its own. */
function startWithoutProc(t: Owner): Promise<Sshd> {
  return startLed(t, (dir) => {
    const bin = toolsWithout(dir, ['ps', 'flock', 'setsid']);
    const ps = `exec unshare -m sh -c 'umount /proc && exec /bin/ps "$@"' ps "$@"`;
    writeFileSync(join(bin, 'ps'), `#!/bin/sh\n${ps}\n`, { mode: 0o755 });
    return `PATH=${bin}; export PATH\nexec unshare -m sh -c 'mount -t tmpfs none /proc && exec sh -c "$SSH_ORIGINAL_COMMAND"'`;
  });
}

test('a host without /proc: launch, adopt, two at once, replace, ps, logs, stop and reap', needs(), async (t) => {
  const sshd = await startWithoutProc(t);
  const first = await launching(t, await openTestLink(t, sshd), mains);
  t.match(await first.host.run('ls /proc; command -v flock setsid; ps -o pid= -p $$'), { stdout: /^ *\d+\n$/ });
  const other = await launching(t, await openTestLink(t, sshd), mains);
  const both = await Promise.all([first.up(), other.up()]);
  t.same(both.map(({ adopted }) => adopted).sort(), [false, true]);
  const [{ run, token, says }] = both;
  t.equal(both[1].run, run);
  t.equal(both[1].token?.reveal(), token?.reveal());
  t.match([...first.warnings, ...other.warnings].join(), /does not show whose port it is \(no \/proc\)/);
  t.match(await other.up(), { adopted: true, run, says });
  t.match(await listBackends(first.host), [{ name: 'box', state: 'live', run, pid: Number(/\d+/.exec(says)) }]);
  t.match(await readBackendLog(first.host, 'box'), /pairing token: \[secret\]/);
  t.match(await reapBackend(first.host, 'box'), { was: 'alive' });

  const { signal } = new AbortController();
  const verify = both[0].verify ?? (() => Promise.reject(new Error('it cannot say')));
  t.equal(await verify(signal), false, 'nobody can tell whose its port is');
  await endAll(processesWith(`TOWLINE_RUN=${run}`));
  await t.rejects(verify(signal), { code: 'BACKEND_FOREIGN' });
  const second = await first.up();
  t.match(second, { adopted: false });
  t.not(second.run, run);
  // The start time counts: a pid that another process has now is not the backend.
  const file = join(stateFolder(sshd.home, 'box'), 'run');
  await endAll(processesWith(`TOWLINE_RUN=${second.run}`));
  await waitUntil('its end', () => existsSync(join(stateFolder(sshd.home, 'box'), 'exit')));
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^pid .*$/m, `pid ${process.pid}`));
  t.match(await reapBackend(first.host, 'box'), { was: 'ended' });
  const third = await first.up();
  t.match(third, { adopted: false });

  t.match(await endBackend(first.host, 'box', { forGood: true }), { was: 'ended', left: [] });
  t.same(processesWith(`TOWLINE_RUN=${third.run}`), []);
  await t.rejects(first.up(), { code: 'BACKEND_STOPPED' });
  const failing = await launching(t, await openTestLink(t, sshd), { command: 'echo no; exit 4', name: 'failing' });
  await t.rejects(failing.up(), { code: 'LAUNCH_FAILED', message: /exit code 4 .*last output: "no"/ });
  const short = await launching(t, await openTestLink(t, sshd), { ...mains, lifetime: 'session', name: 'short' });
  t.match(await short.up(), { adopted: false });
});
