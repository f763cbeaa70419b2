import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { writeConfig } from '../e2e/daemon.ts';
import { startEcho } from '../fixtures/backend.ts';
import { homeOf, runTowline, startTowline } from '../fixtures/cli.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { configure } from './configured.ts';

test('up --detach returns once the daemon answers; the other commands reach it; down ends it', async (t) => {
  const port = await configure(t);
  const up = await runTowline(t, ['up', '--detach']);
  t.equal(up.stderr, '');
  t.equal(up.code, 0);
  t.match(up.stdout, new RegExp(`dev-box +\\w+ +127\\.0\\.0\\.1:${port} -> 127\\.0\\.0\\.1:1`));

  const again = await runTowline(t, ['up', '--detach']);
  t.equal(again.code, 75);
  t.match(
    again.stderr,
    /^towline: a towline daemon runs already \(pid \d+, config .*towline\.json\); .*\[ALREADY_RUNNING\]\n$/,
  );

  const status = JSON.parse((await runTowline(t, ['status', '--json'])).stdout);
  t.match(status, { relays: [{ name: 'dev-box', forwards: [{ bound: true, listen: { port } }] }] });
  t.match((await runTowline(t, ['status', 'dev-box'])).stdout, /^dev-box\n {2}state /);
  const unknown = await runTowline(t, ['status', 'devbox']);
  t.equal(unknown.code, 66);
  t.equal(unknown.stderr, 'towline: no relay is called "devbox"; did you mean "dev-box"? [RELAY_UNKNOWN]\n');
  t.equal((await runTowline(t, ['stop', 'devbox'])).code, 66);

  const offered = await runTowline(t, ['--get-yargs-completions', 'towline', 'status', 'de']);
  t.match(offered.stdout, /^dev-box\n--json\n/);

  const events = startTowline(t, ['events', '--json', '--after', '0']);
  await events.waitForOutput(/"type":"daemon.started"/);
  const watch = startTowline(t, ['status', '--watch', '--json']);
  await watch.waitForOutput(/"name": "dev-box"/);
  t.same(await runTowline(t, ['stop', 'dev-box']), { code: 0, stdout: 'dev-box: offline\n', stderr: '' });
  await events.waitForOutput(/"type":"relay.stopped"/);
  await watch.waitForOutput(/"word": "offline"/);
  t.match((await runTowline(t, ['start', 'dev-box'])).stdout, /^dev-box: connecting/);

  const logs = startTowline(t, ['logs', '-f', '-n', '1']);
  await logs.waitForOutput(/\n/);
  const down = await runTowline(t, ['down']);
  t.equal(down.stdout, `the daemon (pid ${status.pid}) has ended\n`);
  await logs.waitForOutput(/towline is stopping: asked by towline down\n/);
  for (const follower of [events, watch]) t.match(await follower.ended, { code: 69, stderr: /\[NOT_RUNNING\]\n$/ });
  t.equal((await runTowline(t, ['status'])).code, 69);
  t.equal((await runTowline(t, ['up', '--detach'])).code, 0, 'the place is free at once');
  t.equal((await runTowline(t, ['down', '--now'])).code, 0);
});

test('up --detach --wait returns 0 once every relay is connected, else the code of what is wrong', async (t) => {
  const [sshd, echo] = [await startSshd(t), await startEcho(t)];
  const relay = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] };
  writeConfig(t, sshd, { well: relay, idle: { ...relay, start: false } });
  const up = await runTowline(t, ['up', '-d', '--wait', '60s']);
  t.match(up, { code: 0, stderr: '', stdout: /\nwell +connected/ });
  t.match((await runTowline(t, ['restart', 'well'])).stdout, /^well: (?:restarting \(|connected)/, 'as it was meant');
  for (const words of [
    ['restart', 'well'],
    ['start', 'idle'],
  ]) {
    const { code, stdout } = await runTowline(t, [...words, '--wait', '60s']);
    t.strictSame([code, stdout], [0, `${words[1]}: connected, unverified\n`]);
  }
  t.match(await runTowline(t, ['start', 'well', '--wait', 'x']), { code: 64, stderr: /^towline: --wait: / });
  t.equal((await runTowline(t, ['down', '--now'])).code, 0);
  writeConfig(t, sshd, { well: relay, ill: { ...relay, host: 'me@127.0.0.1:9' } });
  const late = await runTowline(t, ['up', '-d', '--wait', '5s']);
  t.match(late, { code: 69, stderr: /^towline: not connected: ill; the daemon goes on trying/ });
  t.equal((await runTowline(t, ['down', '--now'])).code, 0);
  const known = join(homeOf(t), 'known_hosts');
  writeFileSync(known, '');
  writeConfig(t, sshd, { ill: { ...relay, host: 'strange' } });
  const own = readFileSync(sshd.sshConfigFile, 'utf8').replace('Host test', 'Host strange');
  writeFileSync(sshd.sshConfigFile, own.replace(/UserKnownHostsFile .*/, `UserKnownHostsFile ${known}`), {
    mode: 0o600,
  });
  const stuck = await runTowline(t, ['up', '-d', '--wait', '30s']);
  t.match(stuck, { code: 76, stderr: /^towline: not connected: ill; the daemon waits until that is mended, / });
  t.match(await runTowline(t, ['up', '--wait', '1s']), { code: 64, stderr: /--wait goes with --detach/ });
  t.match(await runTowline(t, ['up', '-d', '--wait', 'soon']), { code: 64, stderr: /expected a duration from "1s"/ });
});

test('of two daemons started at once one runs', async (t) => {
  await configure(t);
  const both = await Promise.all([runTowline(t, ['up', '--detach']), runTowline(t, ['up', '--detach'])]);
  t.same(both.map(({ code }) => code).sort(), [0, 75]);
});
