import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { readBackendLog } from '../../../src/plugins/launch/manage.ts';
import { markOf } from '../../../src/plugins/launch/mark.ts';
import { HERE, launching, stateFolder } from '../../fixtures/launching.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { recipe } from './fault-scenes.ts';

const flood = (bytes: number) => `head -c ${bytes} /dev/zero | tr '\\0' y | dd obs=65536 2>/dev/null; echo`;
const late = { code: 'LAUNCH_TIMEOUT' };

/** Prints, then waits until the test lets it go on, so that a first link gives up and a second one reads the log from its start. */
const waiting = (said: string) => ({
  command: `${said}; until [ -e go ]; do sleep 0.05; done; exec ${HERE} serve --port={port}`,
  recipe,
  env: { MAINS_SERVE_TOKEN: 'its-own' },
  deadline: '20s',
});

test('what startup files print, however much of it, is neither scanned nor shown', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const lie = 'echo "pairing token: fake"; echo "listening on ws://127.0.0.1:1"';
  for (const [name, profile] of Object.entries({
    little: lie,
    // More than the log keeps: who reads it from its oldest piece on begins in the middle of it.
    much: `${flood(3_000_000)}; ${lie}; ${flood(300_000)}; ${lie}`,
  })) {
    writeFileSync(join(sshd.home, '.bash_profile'), `${profile}\n`);
    const options = { ...waiting('echo begun'), name, shell: 'login' };
    rmSync(join(sshd.home, 'go'), { force: true });
    const first = await launching(t, link, { ...options, deadline: name === 'much' ? '8s' : '3s' });
    await t.rejects(first.up(), { ...late, message: /; last output: "begun"; / }, name);
    writeFileSync(join(sshd.home, 'go'), '');
    const second = await launching(t, link, options);
    const backend = await second.up();
    t.match(backend, { adopted: true });
    t.equal(backend.token?.reveal(), 'its-own', name);
    t.same([...first.warnings, ...second.warnings], [], name);
    t.match(await readBackendLog(second.host, name), /^begun\n\[serve\] mains .*\n.*: \[secret\]\n$/, name);
  }
});

test('where the head of a log is gone, or an older towline wrote it, what is there counts', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const tryTwice = async (name: string, said: string, between: (dir: string) => void) => {
    rmSync(join(sshd.home, 'go'), { force: true });
    const options = { ...waiting(said), name };
    const first = await launching(t, link, { ...options, deadline: '3s' });
    await t.rejects(first.up(), late, name);
    between(stateFolder(sshd.home, name));
    writeFileSync(join(sshd.home, 'go'), '');
    const second = await launching(t, link, options);
    const backend = await second.up();
    t.match(backend, { adopted: true }, name);
    t.equal(backend.token?.reveal(), 'its-own', name);
    t.same(second.warnings, [], name);
    t.match(await readBackendLog(second.host, name), /mains .*\n.*pairing token: \[secret\]\n$/, name);
  };
  await tryTwice('trimmed', flood(3_000_000), (dir) => t.throws(() => readFileSync(join(dir, 'log.1'))));
  // Its folder may have the mark of a run before.
  for (const [name, mark] of Object.entries({ older: null, another: `${markOf('f'.repeat(32))}\n` })) {
    await tryTwice(name, 'echo hello', (dir) => {
      const log = join(dir, 'log.1');
      const text = readFileSync(log, 'utf8');
      t.match(text, /^towline: run [0-9a-f]{32} begins\nhello\n$/);
      writeFileSync(log, 'hello\n');
      if (mark === null) rmSync(join(dir, 'mark'));
      else writeFileSync(join(dir, 'mark'), mark);
    });
  }
});
