import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import type { Question } from '../../../src/core/model/question.ts';
import { Askpass, findAskpass } from '../../../src/core/supervisor/logins/askpass.ts';
import { homeOf, startTowline } from '../../fixtures/cli.ts';
import { runs, signalAll } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

const question: Question = {
  kind: 'keyboard-interactive',
  about: 'x',
  where: 'me@box:22',
  text: 'two factors',
  prompts: [
    { text: 'Password: ', echo: false },
    { text: 'Code: ', echo: true },
  ],
  again: false,
};
const { signal } = new AbortController();

function script(t: Owner, text: string): { readonly file: string; readonly dir: string } {
  const dir = makeTemp(t, 'askpass');
  const file = join(dir, 'askpass');
  writeFileSync(file, `#!/bin/sh\ncd ${dir}\n${text}\n`);
  chmodSync(file, 0o755);
  return { file, dir };
}

// biome-ignore format: a table is read by its columns
const rows: readonly (readonly [env: Record<string, string>, alone: boolean, attended: boolean])[] = [
  [{},                                                              false, false],
  [{ DISPLAY: ':0' },                                               true,  false],
  [{ WAYLAND_DISPLAY: 'wayland-0' },                                true,  false],
  [{ DISPLAY: '' },                                                 false, false],
  [{ DISPLAY: ':0', SSH_ASKPASS_REQUIRE: 'prefer' },                true,  true],
  [{ SSH_ASKPASS_REQUIRE: 'prefer' },                               false, false],
  [{ SSH_ASKPASS_REQUIRE: 'Force' },                                true,  true],
  [{ DISPLAY: ':0', SSH_ASKPASS_REQUIRE: 'never' },                 false, false],
  [{ DISPLAY: ':0', SSH_ASKPASS_REQUIRE: 'whatever' },              true,  false],
];

test('SSH_ASKPASS is asked as ssh does: with a display, where no terminal is, unless it is required or forbidden', (t) => {
  for (const [env, alone, attended] of rows) {
    const set = { SSH_ASKPASS: '/usr/bin/ask', ...env };
    const name = JSON.stringify(env);
    t.equal(findAskpass(set, false), alone ? '/usr/bin/ask' : null, name);
    t.equal(findAskpass(set, true), attended ? '/usr/bin/ask' : null, `${name}, a terminal is there`);
  }
  t.equal(findAskpass({ SSH_ASKPASS: '', DISPLAY: ':0' }, false), null, 'switched off');
  const standard = existsSync('/usr/bin/ssh-askpass') ? '/usr/bin/ssh-askpass' : null;
  t.equal(findAskpass({ DISPLAY: ':0' }, false), standard);
  t.end();
});

test('it is run for each prompt, which is its argument; its first line is the answer', async (t) => {
  const { file, dir } = script(t, 'printf "%s\\n" "$#:$1" >>asked; printf "answer of %s\\r\\nmore\\n" "$1"');
  const answers = await new Askpass().ask(file, question, signal);
  t.same(
    answers?.map((one) => one.reveal()),
    ['answer of (me@box:22) Password: ', 'answer of (me@box:22) Code: '],
  );
  t.equal(readFileSync(join(dir, 'asked'), 'utf8'), '1:(me@box:22) Password: \n1:(me@box:22) Code: \n');
});

test('one that fails, is not there, or floods is no answer, or a short one', async (t) => {
  const askpass = new Askpass();
  t.equal(await askpass.ask(script(t, 'echo secret; exit 1').file, question, signal), null);
  t.equal(await askpass.ask('/nowhere/askpass', question, signal), null);
  const flood = await askpass.ask(script(t, 'head -c 5000000 /dev/zero | tr "\\0" x').file, question, signal);
  t.same(
    flood?.map((one) => one.reveal().length),
    [1_023, 1_023],
  );
});

test('one that is not wanted any more is ended with all that it started, and the next one runs', async (t) => {
  const { file, dir } = script(t, 'sleep 1000 & echo $! >child; wait');
  const over = new AbortController();
  const askpass = new Askpass();
  const first = askpass.ask(file, question, over.signal);
  const quick = script(t, 'echo quick');
  const second = askpass.ask(quick.file, question, signal);
  await waitUntil('it runs', () => existsSync(join(dir, 'child')) && readFileSync(join(dir, 'child'), 'utf8') !== '');
  const child = Number(readFileSync(join(dir, 'child'), 'utf8'));
  t.equal(runs(child), true);
  over.abort(new Error('over'));
  t.equal(await within('the end of the first', first), null);
  t.equal((await within('the second', second))?.[0]?.reveal(), 'quick');
  await waitUntil('its child has ended', () => !runs(child));
});

test('one that ignores what can be ignored ends with the daemon', async (t) => {
  const sshd = await startSshd(t);
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'horse', '-f', sshd.keyFile]);
  const { file, dir } = script(t, 'trap "" TERM HUP; echo $$ >pid; while :; do sleep 1; done');
  const pid = join(dir, 'pid');
  const relays = { db: { host: 'test', forwards: ['0:127.0.0.1:9'] } };
  const config = join(homeOf(t), 'towline.json');
  writeFileSync(config, JSON.stringify({ sshConfig: sshd.sshConfigFile, relays }), { mode: 0o600 });
  const up = startTowline(t, ['up', '--config', config], { env: { DISPLAY: ':0', SSH_ASKPASS: file } });
  await waitUntil('it asks', () => existsSync(pid) && readFileSync(pid, 'utf8').endsWith('\n'));
  const asking = Number(readFileSync(pid, 'utf8'));
  t.teardown(() => signalAll([asking], 'SIGKILL'));
  t.ok(runs(asking));
  t.match(await up.stop(), { code: 0 });
  await waitUntil('it has ended', () => !runs(asking), { timeout: 5_000 });
});
