import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { startDaemon } from '../e2e/daemon.ts';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { startSshd } from '../fixtures/sshd.ts';

const relay = { host: 'test', forwards: ['0:127.0.0.1:9'] };

test('a relay that stands in a config and does not run is told by what has it run', async (t) => {
  const daemon = await startDaemon(t, await startSshd(t), { db1: relay });
  await daemon.reach('db1', 'degraded');
  t.match(await runTowline(t, ['url', 'web']), { code: 66, stderr: /no relay is called "web"; there is db1 / });
  // What would end an open link is not taken over by itself.
  const relays = { db1: { ...relay, host: 'elsewhere' }, web: relay };
  writeFileSync(join(homeOf(t), 'towline.json'), JSON.stringify({ relays }));
  const told =
    /^towline: relay "web" stands in .*towline\.json, and the running daemon \(pid \d+\) has not taken it over; `towline reload` does it \[RELAY_UNKNOWN\]\n$/;
  for (const words of [
    ['url', 'web'],
    ['status', 'web'],
    ['start', 'web'],
  ]) {
    t.match(await runTowline(t, words), { code: 66, stdout: '', stderr: told }, words.join(' '));
  }
  const set = await runTowline(t, ['token', 'set', 'web'], { input: 'tk-123456' });
  t.match(set, { code: 0, stdout: /^set the token of web; relay "web" stands in .* `towline reload` does it\n$/ });
});

test('check and reload say when they read another file than the daemon, or than the folder has', async (t) => {
  const daemon = await startDaemon(t, await startSshd(t), { db1: relay });
  await daemon.reach('db1', 'degraded');
  const own = join(homeOf(t), 'towline.json');
  for (const words of [['check'], ['check', '--config', own], ['reload']]) {
    t.match(await runTowline(t, words), { code: 0, stderr: '' }, words.join(' '));
  }
  const cwd = join(homeOf(t), 'project');
  mkdirSync(cwd);
  const here = join(cwd, 'towline.json');
  writeFileSync(here, JSON.stringify({ relays: { web: { host: '127.0.0.1', forwards: ['0:127.0.0.1:9'] } } }), {
    mode: 0o600,
  });
  const checked = await runTowline(t, ['check'], { cwd });
  t.equal(
    checked.stderr.split('\n')[0],
    `towline: warning: the running daemon (pid ${daemon.cli.pid}) has another config, ${own}: \`towline reload\` reads that one, not ${here}`,
  );
  t.match(await runTowline(t, ['reload'], { cwd }), {
    code: 0,
    stdout: new RegExp(`has read ${own} again`),
    stderr: `towline: warning: the daemon reads ${own}, not ${here}, which commands find from this folder; \`towline check --config ${own}\` checks that one\n`,
  });
  t.match(await runTowline(t, ['start', 'web'], { cwd }), {
    code: 66,
    stderr: new RegExp(
      `relay "web" stands in ${here}, and the running daemon \\(pid \\d+\\) has another config, ${own}; add it there`,
    ),
  });
});

test("a relay that is not in the config here but in the daemon's is told where it is, and by which option", async (t) => {
  const daemon = await startDaemon(t, await startSshd(t), { db1: relay });
  await daemon.reach('db1', 'degraded');
  const cwd = join(homeOf(t), 'project');
  mkdirSync(cwd);
  const [own, here] = [join(homeOf(t), 'towline.json'), join(cwd, 'towline.json')];
  writeFileSync(here, JSON.stringify({ relays: { web: relay, two: { ...relay } } }), { mode: 0o600 });
  const told = `towline: relay "db1" is not in ${here} but in ${own}, which the running daemon (pid ${daemon.cli.pid}) has; add \`--config ${own}\` [RELAY_UNKNOWN]\n`;
  for (const words of [
    ['rename', 'db1', 'db2'],
    ['remove', 'db1', '--yes'],
  ]) {
    t.strictSame(await runTowline(t, words, { cwd }), { code: 66, stdout: '', stderr: told }, words.join(' '));
  }
  t.match(await runTowline(t, ['rename', 'nope', 'x'], { cwd }), {
    code: 66,
    stderr: /no relay is called "nope"; there/,
  });
  t.match(await runTowline(t, ['rename', 'nope', 'x']), {
    code: 66,
    stderr: /no relay is called "nope"; there is db1 /,
  });
});
