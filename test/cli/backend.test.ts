import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { HERE, launching } from '../fixtures/launching.ts';
import { openTestLink } from '../fixtures/link.ts';
import { endAll, processesWith } from '../fixtures/process-tree.ts';
import { startOnTerminal } from '../fixtures/pty.ts';
import { type Sshd, startSshd } from '../fixtures/sshd.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { daemonClient } from '../fixtures/daemon-client.ts';

const mains = { recipe: 'mains', command: `exec ${HERE} serve --port={port}` };

function writeConfig(t: Test, sshd: Sshd, relays: Readonly<Record<string, object | null>>): void {
  const entries = Object.entries(relays).map(([name, options]) => {
    const plugins = options === null ? {} : { plugins: [{ use: 'launch', ...options }] };
    const target = options === null ? '127.0.0.1:1' : 'backend';
    return [name, { host: 'test', forwards: [{ listen: '127.0.0.1:0', target }], ...plugins }];
  });
  const config = { sshConfig: sshd.sshConfigFile, relays: Object.fromEntries(entries) };
  writeFileSync(join(homeOf(t), 'towline.json'), JSON.stringify(config), { mode: 0o600 });
}

async function up(t: Test, sshd: Sshd, options: object, relay: string) {
  const { up } = await launching(t, await openTestLink(t, sshd), options, relay);
  return { up, backend: await up() };
}

test('ps tells what runs there and what was left, stop ends it, and logs show it without its token', async (t) => {
  const sshd = await startSshd(t);
  writeConfig(t, sshd, { box: mains, other: { ...mains, name: 'own-name' }, plain: null });
  const towline = (...words: string[]) => runTowline(t, ['backend', ...words]);
  t.match(await towline('ps'), {
    code: 0,
    stdout: /no backend of the config was launched there, and no other one runs/,
    stderr: '',
  });
  const { up: again, backend } = await up(t, sshd, mains, 'box');
  const one = await towline('ps', 'box');
  t.match(
    one.stdout,
    new RegExp(
      `^test \\(${sshd.user}@127.0.0.1:${sshd.port}\\)\\n  box: pid \\d+, port \\d+, since [\\d :-]+\\n    exec .* serve`,
    ),
  );
  t.match(JSON.parse((await towline('ps', '--json')).stdout), [
    { host: 'test', name: 'box', state: 'live', stopped: false, run: backend.run, lifetime: 'detached' },
  ]);

  const logs = await towline('logs', 'box');
  t.match(logs.stdout, /^\[serve\] mains backend listening on ws:.*\n\[serve\] pairing token: \[secret\]\n$/);
  const last = await towline('logs', 'box', '-n', '1', '--json');
  t.same(JSON.parse(last.stdout), [{ host: 'test', name: 'box', lines: ['[serve] pairing token: [secret]'] }]);
  t.notMatch(`${one.stdout}${logs.stdout}${last.stdout}`, backend.token?.reveal() ?? 'no token');

  t.match(await towline('stop', 'box'), { code: 0, stdout: /^box on test \(.*\): ended\n$/ });
  t.same(processesWith(`TOWLINE_RUN=${backend.run}`), []);
  await t.rejects(again(), { code: 'BACKEND_STOPPED', message: /; `towline restart box` starts it again$/ });
  t.match((await towline('ps')).stdout, /box: ended \(exit code \d+\).*, stopped by `towline backend stop`/);
  t.match(await towline('stop', 'box'), { code: 0, stdout: /nothing of it runs/ });
  const narrow = startOnTerminal(t, ['backend', 'ps', 'box'], 40);
  await narrow.ended;
  t.match(narrow.shown(), /box.*: ended [^\r\n]*\r?\n {4}\S/, 'it goes on below');

  const own = await up(t, sshd, mains, 'own-name');
  t.match((await towline('stop', 'other')).stdout, /^own-name on test .*: ended/);
  t.same(processesWith(`TOWLINE_RUN=${own.backend.run}`), []);
});

test('logs never show a token that is not known yet, or not any more', async (t) => {
  const sshd = await startSshd(t);
  const options = {
    command: `echo "the magic word is xyz-1"; printf "the magic \\033[1mword\\033[0m is xyz-1\\n"; echo "password=xyz-2"; exec sleep 1000`,
    recipe: { token: { from: 'output', pattern: 'magic word is (\\S+)' } },
    deadline: '2s',
  };
  writeConfig(t, sshd, { box: options });
  await t.rejects(up(t, sshd, options, 'box'), { code: 'LAUNCH_TIMEOUT' });
  for (const stopped of [false, true]) {
    if (stopped) t.match(await runTowline(t, ['backend', 'stop', 'box']), { code: 0 });
    for (const words of [['box'], ['box', '--json'], []]) {
      const { code, stdout } = await runTowline(t, ['backend', 'logs', ...words]);
      t.equal(code, 0);
      t.equal(stdout.match(/the magic word is \[secret\]/g)?.length, 2, words.join(' '));
      t.match(stdout, /password=\[secret\]/);
      t.notMatch(stdout, /xyz/);
    }
  }
});

test('reap clears away what is left of dead ones, asks before, and touches nothing that lives', async (t) => {
  const sshd = await startSshd(t);
  writeConfig(t, sshd, { box: mains });
  const dead = await up(t, sshd, { command: `sleep 1000 & exec ${HERE} http --port={port}` }, 'dead');
  const live = await up(t, sshd, mains, 'box');
  const marked = () => processesWith(`TOWLINE_RUN=${dead.backend.run}`);
  await endAll([Number(/\d+/.exec(dead.backend.says)?.[0])]);
  const [orphan] = marked();
  const towline = (...words: string[]) => runTowline(t, ['backend', ...words]);
  t.match((await towline('ps')).stdout, new RegExp(`dead: ended .*, but the processes ${orphan} are left`));
  t.match(await towline('reap'), { code: 64, stderr: /nobody to ask; add --yes/ });
  const asking = startOnTerminal(t, ['backend', 'reap']);
  await asking.answer(
    new RegExp(`Clear the logs and tokens of dead away on test and end the processes ${orphan}\\?`),
    'n\r',
  );
  await asking.ended;
  t.match(asking.shown(), /\nnothing was cleared away\r?\n$/);
  t.same(marked(), [orphan]);
  t.match(await towline('reap', '--yes'), {
    code: 0,
    stdout: new RegExp(`^dead on test .*: cleared away, with the processes ${orphan}\n$`),
  });
  t.same(marked(), []);
  t.notMatch((await towline('ps')).stdout, /dead/, 'no relay has it');
  t.match(
    (await towline('ps', 'dead')).stdout,
    /dead: cleared away by `towline backend reap`; its relay starts a new one/,
  );
  t.ok(processesWith(`TOWLINE_RUN=${live.backend.run}`).length > 0);
  t.match(await towline('reap', '--yes'), { code: 0, stdout: /nothing is left of dead backends/ });
  t.match(await towline('stop'), { code: 64, stderr: /add --yes/ });
  t.match(await towline('stop', '--yes'), { code: 0, stdout: /^box on test .*: ended\n$/ });
  t.match(await towline('reap', '--yes'), { code: 0, stdout: /^box on test .*: cleared away\n$/ });
  t.match(
    (await towline('ps', 'box')).stdout,
    /box: stopped by `towline backend stop`, then cleared away by `towline backend reap`; /,
  );
});

test('what serves though its shell was killed lives, and a backend of no relay is found by its folder', async (t) => {
  const sshd = await startSshd(t);
  writeConfig(t, sshd, { box: mains });
  const { backend } = await up(t, sshd, { command: `${HERE} http --port={port} & wait` }, 'gone');
  const shell = Number(/\d+/.exec(backend.says)?.[0]);
  process.kill(shell, 'SIGKILL');
  await waitUntil('its end', () => !processesWith(`TOWLINE_RUN=${backend.run}`).includes(shell));
  const [child] = processesWith(`TOWLINE_RUN=${backend.run}`);
  const towline = (...words: string[]) => runTowline(t, ['backend', ...words]);
  t.match((await towline('ps', 'gone')).stdout, new RegExp(`^ {2}gone: pid ${child}, port \\d+, since `, 'm'));
  t.match(await towline('reap', '--yes'), { code: 0, stdout: /nothing is left of dead backends/ });
  t.same(processesWith(`TOWLINE_RUN=${backend.run}`), [child]);
  t.match(await towline('logs', 'gone'), { code: 0, stdout: /http listening/ });
  t.match(await towline('stop', 'gone'), { code: 0, stdout: /^gone on test .*: ended\n$/ });
  t.same(processesWith(`TOWLINE_RUN=${backend.run}`), []);
  t.match(await towline('stop', 'nobody'), { code: 66, stderr: /no relay is called "nobody"/ });
});

test('a backend whose relay was removed is marked while it lives, is stopped by its host, and then leaves the list', async (t) => {
  const sshd = await startSshd(t);
  writeConfig(t, sshd, { box: mains, short: { ...mains, lifetime: 'session' }, plain: null });
  const { backend } = await up(t, sshd, mains, 'box');
  const towline = (...words: string[]) => runTowline(t, words);
  t.match((await towline('backend', 'ps')).stdout, /box: pid \d+, port \d+, since [\d :-]+\n/);
  const removed = await towline('remove', 'box', '--yes');
  const stop = 'towline backend stop box --host test';
  t.match(removed.stdout, `the backend that it launched may go on running on test; \`${stop}\` ends it\n`);
  t.notMatch((await towline('remove', 'short', '--yes')).stdout, /may go on running/, 'it ends with its link');
  t.match(await towline('backend', 'ps'), {
    code: 64,
    stderr: /no relay .* launches a backend; .* say by --host where to look/,
  });
  const there = await towline('backend', 'ps', '--host', 'test');
  t.match(there.stdout, `; not in the config: \`${stop}\` ends it\n`);
  t.match(JSON.parse((await towline('backend', 'ps', '--host', 'test', '--json')).stdout), [
    { name: 'box', state: 'live', configured: false },
  ]);
  t.match(await towline(...stop.split(' ').slice(1)), { code: 0, stdout: /^box on test .*: ended\n$/ });
  t.same(processesWith(`TOWLINE_RUN=${backend.run}`), []);
  t.match(
    (await towline('backend', 'ps', '--host', 'test')).stdout,
    /no backend of the config .*, and no other one runs/,
  );
  t.match(
    (await towline('backend', 'ps', 'box')).stdout,
    /box: ended .*; not in the config: `towline backend reap box --host test` clears it/,
  );
  t.match((await towline('backend', 'logs', 'box')).stdout, /mains backend listening/, 'its log is there');
});

test('what the running daemon has is no stranger for ps in a folder with another config, and down says that it goes on', async (t) => {
  const sshd = await startSshd(t);
  writeConfig(t, sshd, { box: mains });
  t.equal((await runTowline(t, ['up', '-d', '--wait', '60s'])).code, 0);
  const cwd = join(homeOf(t), 'project');
  mkdirSync(cwd);
  const config = { sshConfig: sshd.sshConfigFile, relays: { own: { host: 'test', forwards: ['0:127.0.0.1:1'] } } };
  writeFileSync(join(cwd, 'towline.json'), JSON.stringify(config), { mode: 0o600 });
  const ps = await runTowline(t, ['backend', 'ps', '--host', 'test'], { cwd });
  t.match(
    ps.stdout,
    /box: pid \d+, .*; not in this config, but in the one that the running daemon has, \/.*towline\.json\n/,
  );
  t.notMatch(ps.stdout, /ends it/);
  t.match(
    (await runTowline(t, ['down'])).stdout,
    /has ended; the backends that it launched go on: `towline backend ps`\n$/,
  );
  t.match(await runTowline(t, ['backend', 'stop', 'box']), { code: 0, stdout: /: ended\n$/ });
});

test('down does not say of a backend that was stopped that it goes on', async (t) => {
  const sshd = await startSshd(t);
  writeConfig(t, sshd, { box: mains });
  t.equal((await runTowline(t, ['up', '-d', '--wait', '60s'])).code, 0);
  t.match(await runTowline(t, ['backend', 'stop', 'box']), { code: 0, stdout: /: ended/ });
  await daemonClient(t).tells('is stopped', 'box', ({ standing }) => standing.fault?.code === 'BACKEND_STOPPED');
  t.match(await runTowline(t, ['down']), { code: 0, stdout: /^the daemon \(pid \d+\) has ended\n$/ });
});

test('what cannot be meant is said', async (t) => {
  const sshd = await startSshd(t);
  writeConfig(t, sshd, { box: mains, plain: null });
  const cases = [
    [[], 64, /backend needs a verb; give one of ps, stop, logs, reap/],
    [['kill'], 64, /backend has no verb "kill"/],
    [['ps', 'bxo'], 66, /no relay is called "bxo"/],
    [['ps', 'plain'], 64, /plain launches no backend/],
    [['logs', 'box'], 64, /no backend box was ever launched on test/],
  ] as const;
  for (const [words, code, said] of cases) {
    t.match(await runTowline(t, ['backend', ...words]), { code, stderr: said, stdout: '' });
  }
  await sshd.stop();
  t.match(await runTowline(t, ['backend', 'ps']), { code: 69, stderr: /CONNECT_REFUSED/ });
});

test('a renamed relay finds the backend that runs, and starts none beside it', async (t) => {
  const sshd = await startSshd(t);
  writeConfig(t, sshd, { web: mains });
  t.equal((await runTowline(t, ['up', '--detach', '--wait', '60s'])).code, 0);
  const live = async () => {
    const found: readonly Record<string, unknown>[] = JSON.parse(
      (await runTowline(t, ['backend', 'ps', '--json'])).stdout,
    );
    return found.map(({ name, state, run, configured }) => ({ name, state, run, configured }));
  };
  const before = await live();
  t.match(before, [{ name: 'web', state: 'live', configured: true }]);
  t.equal((await runTowline(t, ['rename', 'web', 'site'])).code, 0);
  t.equal((await runTowline(t, ['reload'])).code, 0);
  t.match(await runTowline(t, ['start', 'site', '--wait', '60s']), { code: 0, stdout: 'site: connected\n' });
  t.strictSame(await live(), before);
  t.equal((await runTowline(t, ['backend', 'stop', 'site'])).code, 0);
  t.equal((await runTowline(t, ['down', '--now'])).code, 0);
});
