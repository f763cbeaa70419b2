import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { endBackend, listBackends, readBackendLog } from '../../../src/plugins/launch/manage.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { HERE, launching } from '../../fixtures/launching.ts';
import { startSshd } from '../../fixtures/sshd.ts';

const busybox = '/usr/bin/busybox';

test('a host that has busybox alone', { skip: !existsSync(busybox) && 'needs busybox' }, async (t) => {
  const sshd = await startSshd(t);
  const bin = join(sshd.dir, 'bin');
  mkdirSync(bin);
  for (const name of String(execFileSync(busybox, ['--list']))
    .trim()
    .split('\n'))
    symlinkSync(busybox, join(bin, name));
  // bash of Debian reads it for commands too.
  writeFileSync(join(sshd.home, '.bashrc'), `export PATH=${bin}\n`);
  const options = { recipe: 'mains', command: `exec ${HERE} serve --port={port}` };
  const first = await launching(t, await openTestLink(t, sshd), options);
  t.match(await first.host.run('readlink "$(command -v sh)"'), { stdout: `${busybox}\n` });
  const both = await Promise.all([first.up(), (await launching(t, await openTestLink(t, sshd), options)).up()]);
  const [{ run, token }, other] = both;
  t.same(both.map(({ adopted }) => adopted).sort(), [false, true]);
  t.match(other, { run });
  t.equal(other.token?.reveal(), token?.reveal());
  t.match(await listBackends(first.host), [{ name: 'box', state: 'live', run }]);
  t.match(await readBackendLog(first.host, 'box'), /pairing token: \[secret\]/);
  const short = await launching(t, await openTestLink(t, sshd), { ...options, lifetime: 'session', name: 'short' });
  t.match(await short.up(), { adopted: false });
  t.match(await endBackend(first.host, 'box', { forGood: false }), { was: 'ended', left: [] });
  const failing = await launching(t, await openTestLink(t, sshd), { command: 'echo no; exit 4', name: 'failing' });
  await t.rejects(failing.up(), { code: 'LAUNCH_FAILED', message: /exit code 4 .*last output: "no"/ });
});
