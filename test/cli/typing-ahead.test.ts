import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuthContext } from 'ssh2';
import { test, type Test } from 'tap';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { commandOf, processesWith, signalAll } from '../fixtures/process-tree.ts';
import { startOnTerminal } from '../fixtures/pty.ts';
import { startRogue } from '../fixtures/rogue-server.ts';
import { waitUntil } from '../fixtures/wait.ts';

/** A daemon whose one relay waits for a password: `judge` is told each one that the server gets. */
async function startAsking(t: Test, judge: (context: AuthContext & { password: string }) => void): Promise<void> {
  const server = await startRogue(t, {
    login: (context) => {
      if (context.method === 'password') judge(context);
      else context.reject(['password']);
    },
  });
  const relays = { db: { host: 'test', forwards: ['0:127.0.0.1:9'] } };
  const config = { sshConfig: server.sshConfigFile, relays };
  writeFileSync(join(homeOf(t), 'towline.json'), JSON.stringify(config), { mode: 0o600 });
  const up = await runTowline(t, ['up', '--detach'], { env: { TOWLINE_DEBUG: '1' } });
  if (up.code !== 0) throw new Error(up.stderr);
}

test('what is typed while an answer is looked at is not shown, and is no answer to what was not asked yet', async (t) => {
  const tried: string[] = [];
  const thinking = new EventTarget();
  let judge: (right: boolean) => void = () => undefined;
  await startAsking(t, (context) => {
    tried.push(context.password);
    judge = (right) => (right ? context.accept() : context.reject(['password']));
    thinking.dispatchEvent(new Event('asked'));
  });
  const cli = startOnTerminal(t, ['unlock'], 120, 'stty -a');
  let asked = once(thinking, 'asked');
  await cli.answer(/password: $/, 'first\r');
  await asked;
  await cli.typeAhead('ahead\rbegun');
  asked = once(thinking, 'asked');
  judge(false);
  await cli.answer(/that was not right, try again[\s\S]*password: $/, ' second\r');
  await asked;
  cli.type('ahead');
  judge(true);
  t.equal(await cli.ended, 0, cli.shown());
  t.strictSame(tried, ['first', 'begun second']);
  t.notMatch(cli.shown(), /first|second|ahead|begun/);
  t.match(cli.shown(), /db: connected/);
  t.match(cli.shown(), / echo /, 'the terminal is as it was');
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
  test(`the terminal shows again what is typed after ${signal}`, async (t) => {
    await startAsking(t, () => undefined);
    const cli = startOnTerminal(t, ['unlock'], 120, 'stty -a');
    await cli.waitFor(/password: $/);
    signalAll(unlocking(t), signal);
    t.not(await cli.ended, 0);
    t.match(cli.shown(), / echo /);
  });
}

test('Ctrl-C leaves with a line and 130, and declines nothing', async (t) => {
  await startAsking(t, () => undefined);
  const cli = startOnTerminal(t, ['unlock'], 120, 'stty -a');
  await cli.answer(/password: $/, 'half\u0003');
  t.equal(await cli.ended, 130);
  t.match(cli.shown(), /^towline: left; db still waits for its answer, `towline unlock` asks again\r?$/m);
  t.notMatch(cli.shown(), /half|NEEDS_ANSWER|any more/);
  t.match(cli.shown(), / echo /);
  // Before anybody came, and now.
  let told: readonly string[] = [];
  await waitUntil(
    'the daemon hears of it',
    async () => {
      told = (await runTowline(t, ['logs', '--json'])).stdout.match(/does not get a password: \w+/g) ?? [];
      return told.length === 2;
    },
    { every: 200 },
  );
  for (const one of told) t.equal(one, 'does not get a password: nobody');
});

test('Ctrl-Z where no shell would go on with it leaves the question there', async (t) => {
  await startAsking(t, (context) => context.accept());
  const cli = startOnTerminal(t, ['unlock'], 120);
  await cli.answer(/password: $/, 'beg\u001a');
  await cli.answer(/password: $/, 'right\r');
  t.equal(await cli.ended, 0);
});

/** The `unlock` of this test's user, not the shell around it. */
function unlocking(t: Test): readonly number[] {
  const here = processesWith(`TOWLINE_RUNTIME_DIR=${join(homeOf(t), 'run')}`);
  return here.filter((pid) => /^\S*node \S+main\.js unlock$/.test(commandOf(pid)));
}
