import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { homeOf, runTowline, startTowline } from '../fixtures/cli.ts';
import { HERE } from '../fixtures/launching.ts';
import { freePort } from '../fixtures/port.ts';
import { startOnTerminal } from '../fixtures/pty.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { makeTemp, type Owner } from '../fixtures/temp.ts';
import { configure } from './configured.ts';
import { daemonClient } from '../fixtures/daemon-client.ts';

const token = 'tk-5f0a3c9e1b7d4826a0c2e4f6';

/** The file of a hand-set token. */
const fileOf = (t: Owner, relay = 'dev-box') => join(homeOf(t), '.state', 'towline', 'tokens', relay);

async function startDaemon(t: Owner): Promise<void> {
  const up = startTowline(t, ['up']);
  await up.waitForOutput(/dev-box/);
  await daemonClient(t).answers();
}

/** Every command line of this machine, again and again until `over` is called; true where one held the token. */
function watchArguments(): () => boolean {
  let seen = false;
  const look = () => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        seen ||= readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(token);
      } catch {
        // It has ended.
      }
    }
  };
  const timer = setInterval(look, 10);
  return () => {
    look();
    clearInterval(timer);
    return seen;
  };
}

test('a token is set from standard input, born private, shown only on request, and forgotten', async (t) => {
  await configure(t);
  const over = watchArguments();
  const set = await runTowline(t, ['token', 'set', 'dev-box'], { input: `${token}\n` });
  t.same([set.code, set.stdout, set.stderr], [0, 'set the token of dev-box\n', '']);
  t.equal(readFileSync(fileOf(t), 'utf8'), `${token}\n`);
  t.equal(statSync(fileOf(t)).mode & 0o777, 0o600);
  t.equal(statSync(join(fileOf(t), '..')).mode & 0o777, 0o700);
  const piped = await runTowline(t, ['token', 'dev-box']);
  t.equal(piped.code, 64);
  t.notMatch(piped.stdout + piped.stderr, token);
  t.match(piped.stderr, /not printed where no terminal shows it; add --print/);
  t.equal((await runTowline(t, ['token', 'dev-box', '--print'])).stdout, `${token}\n`);
  t.equal(over(), false, 'no command line held it');
  t.match((await runTowline(t, ['token', 'forget', 'dev-box'])).stdout, /^forgot the token of dev-box\n$/);
  t.equal(existsSync(fileOf(t)), false);
  t.match((await runTowline(t, ['token', 'forget', 'dev-box'])).stdout, /^no token was set for dev-box/);
  t.match(await runTowline(t, ['token', 'forget', 'dev-bx']), {
    code: 66,
    stdout: '',
    stderr: /no relay is called "dev-bx"; did you mean "dev-box"\? \[RELAY_UNKNOWN\]/,
  });
  const gone = await runTowline(t, ['token', 'dev-box', '--print']);
  t.equal(gone.code, 77);
  t.match(gone.stderr, /no token is known for dev-box: .*`towline token set dev-box` sets one.*\[TOKEN_MISSING\]/);
});

test('on a terminal it is asked without being shown, printed when asked for, and put on the clipboard', async (t) => {
  await configure(t);
  const asks = startOnTerminal(t, ['token', 'set', 'dev-box']);
  await asks.answer(/Token of dev-box \(not shown\): /, `${token}\r`);
  t.equal(await asks.ended, 0);
  t.notMatch(asks.shown(), token);
  const shows = startOnTerminal(t, ['token', 'dev-box']);
  t.equal(await shows.ended, 0);
  t.match(shows.shown(), token);
  const copies = startOnTerminal(t, ['token', 'dev-box', '--copy']);
  t.equal(await copies.ended, 0);
  t.notMatch(copies.shown(), token);
  t.ok(copies.shown().includes(`\u001b]52;c;${Buffer.from(token).toString('base64')}\u0007`));
  const leaves = startOnTerminal(t, ['token', 'set', 'dev-box']);
  await leaves.answer(/not shown/, '\u0004');
  t.equal(await leaves.ended, 130);
  t.equal(readFileSync(fileOf(t), 'utf8'), `${token}\n`, 'the old one stays');
});

test('a token without a clipboard to put it on may be printed: the command line was right', async (t) => {
  await configure(t);
  t.equal((await runTowline(t, ['token', 'set', 'dev-box'], { input: token })).code, 0);
  const { code, stdout, stderr } = await runTowline(t, ['token', 'dev-box', '--copy']);
  t.strictSame([code, stdout], [69, '']);
  t.match(
    stderr,
    /^towline: no wl-copy, .*; install one of them, or give --print and pass it on \[CLIPBOARD_MISSING\]\n$/,
  );
});

test('what cannot be a token, a relay or a place for it is refused, and nothing is quoted', async (t) => {
  await configure(t);
  const cases: readonly (readonly [readonly string[], string, RegExp, number])[] = [
    [
      ['token', 'set', 'dev-box'],
      '\n',
      /standard input is empty; pipe the token in, or run the command on a terminal, where it asks/,
      77,
    ],
    [['token', 'set', 'dev-box'], `${token} ${token}`, /has blanks/, 77],
    [['token', 'set', 'dev-box'], `${token}\n${token}`, /more than one line/, 77],
    [['token', 'set', 'dev-box'], 'x'.repeat(70_000), /more than 65536 bytes/, 77],
    [['token', 'set', 'dev-bx'], token, /no relay is called "dev-bx"; did you mean "dev-box"/, 66],
    [['token', 'set', '../x'], token, /is not a relay name/, 64],
    [['token', 'dev-bx', '--print'], '', /no relay is called "dev-bx"; did you mean "dev-box"/, 66],
    [['token', 'put', 'dev-box'], token, /token knows set and forget, not "put"/, 64],
    [['token', 'dev-box', '--keyring'], '', /--keyring belongs to `towline token set RELAY`/, 64],
    [['token'], '', /needs the name of a relay/, 64],
  ];
  for (const [words, input, reason, code] of cases) {
    const end = await runTowline(t, words, { input });
    t.match(end.stderr, reason, words.join(' '));
    t.equal(end.code, code, words.join(' '));
    t.notMatch(end.stderr, token);
  }
  const state = join(homeOf(t), '.state', 'towline');
  mkdirSync(join(state, 'tokens'), { recursive: true, mode: 0o700 });
  chmodSync(state, 0o700);
  writeFileSync(fileOf(t), token, { mode: 0o644 });
  t.match(
    (await runTowline(t, ['token', 'dev-box', '--print'])).stderr,
    /is readable by others \(0644\); run: chmod 600 .*TOKEN_UNSAFE/,
  );
  const theirs = join(makeTemp(t, 'theirs'), 'precious');
  writeFileSync(theirs, 'precious', { mode: 0o600 });
  symlinkSync(theirs, fileOf(t, 'other'));
  t.match((await runTowline(t, ['token', 'other', '--print'])).stderr, /is a symbolic link.*TOKEN_UNSAFE/);
  chmodSync(join(state, 'tokens'), 0o755);
  const open = await runTowline(t, ['token', 'set', 'dev-box'], { input: token });
  t.match(open.stderr, /tokens is not a folder for your eyes only; make it yours with mode 0700/);
  t.equal(readFileSync(theirs, 'utf8'), 'precious');
});

test('the daemon knows what was set, url says it in the form of the recipe, and forgetting reaches it', async (t) => {
  const port = await configure(t);
  await startDaemon(t);
  await runTowline(t, ['token', 'set', 'dev-box'], { input: token });
  t.equal((await runTowline(t, ['token', 'dev-box', '--print'])).stdout, `${token}\n`);
  const url = async (...words: readonly string[]) => {
    const { code, stdout, stderr } = await runTowline(t, ['url', 'dev-box', ...words]);
    return code === 0 ? stdout : stderr;
  };
  t.equal(await url('--print'), `http://127.0.0.1:${port}/?token=${token}\n`);
  t.equal(await url('1', '--print', '--recipe', 'mains'), `ws://127.0.0.1:${port}/?token=${token}\n`);
  t.equal(await url(String(port), '--print', '--recipe', 'opencode'), `http://opencode:${token}@127.0.0.1:${port}/\n`);
  t.match(await url(), /not printed where no terminal shows it/);
  const open = await runTowline(t, ['url', 'dev-box', '--recipe', 'code-server']);
  t.equal(open.stdout, `http://127.0.0.1:${port}/\n`, 'there is nothing to hide');
  t.match(open.stderr, /its token is no part of the address; `towline token dev-box` shows it/);
  t.match(await url('2', '--print'), /dev-box has no forward "2"; its only forward is 1 \(127.0.0.1:\d+\) /);
  t.match(await url('--recipe', 'nix'), /there is no recipe "nix"; there are mains, jupyter/);
  await runTowline(t, ['token', 'forget', 'dev-box']);
  t.equal(await url('--print'), `http://127.0.0.1:${port}/\n`);
});

test('of several forwards the one that leads to the backend is meant, and no other is ever given its token', async (t) => {
  const sshd = await startSshd(t);
  const [other, mine] = [await freePort(), await freePort()];
  const command = `exec ${HERE} serve --port={port}`;
  const box = {
    host: 'test',
    forwards: [`${other}:127.0.0.1:${other}`, `${mine}:backend`],
    plugins: [{ use: 'launch', recipe: 'mains', command }],
  };
  const config = { sshConfig: sshd.sshConfigFile, relays: { box } };
  writeFileSync(join(homeOf(t), 'towline.json'), JSON.stringify(config), { mode: 0o600 });
  startTowline(t, ['up']);
  await daemonClient(t).tells('has a backend', 'box', ({ lanes }) => lanes.some(({ backend }) => backend !== null));
  const own = (await runTowline(t, ['token', 'box', '--print'])).stdout.trim();
  const url = async (...words: readonly string[]) => (await runTowline(t, ['url', 'box', ...words, '--print'])).stdout;
  t.equal(await url(), `ws://127.0.0.1:${mine}/?token=${own}\n`);
  t.equal(await url('2'), `ws://127.0.0.1:${mine}/?token=${own}\n`);
  for (const named of ['1', String(other), `127.0.0.1:${other}`, '1 --recipe mains']) {
    t.equal(await url(...named.split(' ')), `ws://127.0.0.1:${other}/\n`, named);
  }
  const bin = makeTemp(t, 'bin');
  const seen = join(bin, 'seen');
  writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\n[ -f "$1" ] && cat "$1" >>${seen} || echo "$1" >>${seen}\n`, {
    mode: 0o755,
  });
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  t.equal((await runTowline(t, ['open', 'box', '1'], { env })).code, 0);
  t.equal(readFileSync(seen, 'utf8'), `http://127.0.0.1:${other}/\n`);
  t.equal((await runTowline(t, ['open', 'box'], { env })).code, 0);
  t.match(readFileSync(seen, 'utf8'), `http://127.0.0.1:${mine}/?token=${own}`);
  await runTowline(t, ['backend', 'stop', 'box']);
});

test('a token that is set on a relay that is not up is the one that is told; once forgotten, the old one is not', async (t) => {
  await configure(t);
  await startDaemon(t);
  const known = async () => (await runTowline(t, ['token', 'dev-box', '--print'])).stdout;
  for (const text of [token, 'another-token-0123456789']) {
    await runTowline(t, ['token', 'set', 'dev-box'], { input: text });
    t.equal(await known(), `${text}\n`);
  }
  await runTowline(t, ['token', 'forget', 'dev-box']);
  t.equal(await known(), '');
});

test('open hands the address over in a private file that is gone afterwards; no command line holds the token', async (t) => {
  const port = await configure(t);
  await startDaemon(t);
  await runTowline(t, ['token', 'set', 'dev-box'], { input: token });
  const bin = makeTemp(t, 'bin');
  const seen = join(bin, 'seen');
  const script = ['#!/bin/sh', `stat -c %a "$1" >${seen}.mode`, `cat "$1" >${seen}`, `echo "$1" >${seen}.name`];
  writeFileSync(join(bin, 'xdg-open'), `${script.join('\n')}\n`, { mode: 0o755 });
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const over = watchArguments();
  const end = await runTowline(t, ['open', 'dev-box', '--recipe', 'mains'], { env });
  t.match(end, {
    code: 0,
    stdout: '',
    stderr: /^towline: dev-box is connecting, so nothing may answer there now: .*\n$/,
  });
  t.equal(over(), false);
  t.equal(readFileSync(`${seen}.mode`, 'utf8'), '600\n');
  const page = readFileSync(seen, 'utf8');
  t.match(page, `location.replace("http://127.0.0.1:${port}/?token=${token}")`);
  t.match(page, 'name="referrer" content="no-referrer"');
  t.equal(existsSync(readFileSync(`${seen}.name`, 'utf8').trim()), false);
  const none = await runTowline(t, ['open', 'dev-box'], { env: { PATH: makeTemp(t, 'empty') } });
  t.match(none, {
    code: 69,
    stderr: /there is no xdg-open here: paste http:\/\/.* into a browser by hand; `towline url dev-box` shows it with/,
  });
  t.match(none.stderr, `http://127.0.0.1:${port}/ into`);
  t.match(none.stderr, /\[BROWSER_MISSING\]/);
  t.notMatch(none.stderr, token);
  t.same(
    readdirSync(join(homeOf(t), 'run')).filter((name) => name.endsWith('.html')),
    [],
  );
});

test('open says on a terminal what it waits for, before anything has read the page', async (t) => {
  await configure(t);
  await startDaemon(t);
  await runTowline(t, ['token', 'set', 'dev-box'], { input: token });
  const bin = makeTemp(t, 'bin');
  const go = join(bin, 'go');
  // It reads the page only once the line was seen.
  const script = ['#!/bin/sh', `while [ ! -e ${go} ]; do sleep 0.05; done`, 'cat "$1" >/dev/null'];
  writeFileSync(join(bin, 'xdg-open'), `${script.join('\n')}\n`, { mode: 0o755 });
  const path = process.env['PATH'] ?? '';
  process.env['PATH'] = `${bin}:${path}`;
  t.teardown(() => {
    process.env['PATH'] = path;
  });
  const session = startOnTerminal(t, ['open', 'dev-box']);
  await session.waitFor(/opening the page of dev-box; waiting until a browser has read it, 30 s at most/);
  writeFileSync(go, '');
  t.equal(await session.ended, 0);
  t.notMatch(session.shown(), /no browser/);
});

test('recipes are listed, and one shows the lines for the config', async (t) => {
  const all = await runTowline(t, ['recipes']);
  for (const name of ['mains', 'jupyter', 'code-server', 'vite', 'opencode', 'generic']) t.match(all.stdout, name);
  const json: unknown = JSON.parse((await runTowline(t, ['recipes', '--json'])).stdout);
  t.ok(Array.isArray(json) && json.length === 6);
  const one = await runTowline(t, ['recipes', 'jupyter']);
  t.match(one.stdout, '"plugins": [{ "use": "launch", "recipe": "jupyter" }]');
  t.match(one.stdout, '"plugins": [{ "use": "token", "recipe": "jupyter" }]');
  t.match((await runTowline(t, ['recipes', 'jupiter'])).stderr, /there is no recipe "jupiter"; did you mean jupyter\?/);
});
