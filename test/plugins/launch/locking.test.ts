import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { common, living } from '../../../src/plugins/launch/scripts/common.ts';
import { locking } from '../../../src/plugins/launch/scripts/locking.ts';
import { toolsWithout } from '../../fixtures/launching.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { within } from '../../fixtures/wait.ts';

/** Takes the lock when it is told to, says so, and gives it back when it is told to. It is quicker than a real one, so that more goes wrong. */
const party = `${common}${living}${locking}
nap() { sleep 0.005; }
while read -r go; do
  lock
  say got
  read -r over
  unlock
done
`;

test('without flock there is never a second holder, whoever is killed at whatever moment', {
  timeout: 110_000,
}, async (t) => {
  const dir = makeTemp(t, 'lock');
  const path = toolsWithout(dir, ['flock']);
  const folder = join(dir, 'state');
  mkdirSync(folder);
  // Now and then what was done is not told for longer than anybody waits here for whoever seems to be dead.
  for (const tool of ['mkdir', 'mv']) {
    rmSync(join(path, tool));
    const slow = `/bin/${tool} "$@" || exit; case $$ in *[27]) sleep 0.8 ;; esac`;
    writeFileSync(join(path, tool), `#!/bin/sh\n${slow}\n`, { mode: 0o755 });
  }
  const parties = new Set<ChildProcessWithoutNullStreams>();
  const ends: Promise<unknown>[] = [];
  let holder: ChildProcessWithoutNullStreams | null = null;
  let taken = 0;
  let killed = 0;
  let second = 0;
  let enough: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    enough = resolve;
  });

  const kill = (child: ChildProcessWithoutNullStreams) => {
    parties.delete(child);
    killed += 1;
    if (holder === child) holder = null;
    child.kill('SIGKILL');
  };
  const enter = () => {
    const child = spawn('sh', ['-c', party], { cwd: folder, env: { PATH: path, HOME: dir }, stdio: 'pipe' });
    child.stdin.on('error', () => undefined); // it may be dead already
    parties.add(child);
    ends.push(once(child, 'close'));
    child.stdout.on('data', () => {
      // What a killed one said before is no news, nor what comes after the end.
      if (parties.has(child) && taken < 60) got(child);
    });
    child.stdin.write('go\n');
  };
  const got = (child: ChildProcessWithoutNullStreams) => {
    if (holder !== null) second += 1;
    holder = child;
    taken += 1;
    if (taken >= 60) return enough();
    const [other] = [...parties].filter((one) => one !== child).sort(() => Math.random() - 0.5);
    // Those who wait are killed in the midst of it, too.
    if (other !== undefined && taken % 4 === 0) {
      kill(other);
      enter();
    }
    const end = taken % 3 === 0;
    // It holds it long enough for another one to come in between.
    setTimeout(() => {
      if (!parties.has(child)) return;
      if (end) {
        kill(child);
        return enter();
      }
      if (holder === child) holder = null;
      child.stdin.write('over\ngo\n');
    }, 50);
  };
  for (let n = 0; n < 6; n++) enter();
  await within('60 holders', over, 100_000);
  for (const child of parties) child.kill('SIGKILL');
  await Promise.all(ends);
  t.equal(second, 0);
  t.ok(killed > 20, String(killed));
  t.equal(readdirSync(join(folder, 'lock.d')).filter((name) => /^(?:free|h)/.test(name)).length, 1, 'one file');
});
