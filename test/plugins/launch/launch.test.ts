import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { readBackendLog } from '../../../src/plugins/launch/manage.ts';
import { freePort } from '../../fixtures/port.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { HERE, launching, startSquatter, stateFolder } from '../../fixtures/launching.ts';
import { endAll, processesWith, runs } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';

const mains = { recipe: 'mains', command: `${HERE} serve --port={port}` };
const pidIn = (says: string) => Number(/^pid (\d+)/.exec(says)?.[1]);

test('a backend is launched once, and the next link adopts it with its token', async (t) => {
  const sshd = await startSshd(t);
  const first = await launching(t, await openTestLink(t, sshd), mains);
  const backend = await first.up();
  t.match(backend, { adopted: false, target: { kind: 'tcp', host: '127.0.0.1' }, says: /^pid \d+ since / });
  await sshd.stop();
  await sshd.start();
  t.ok(runs(pidIn(backend.says)), 'it outlives sshd');
  const second = await launching(t, await openTestLink(t, sshd), mains);
  const again = await second.up();
  t.match(again, { adopted: true, run: backend.run, says: backend.says, target: backend.target });
  t.equal(again.token?.reveal(), backend.token?.reveal());
  t.same([...first.warnings, ...second.warnings], []);

  const dir = stateFolder(sshd.home, 'box');
  for (const folder of ['.', '..', '../..', '../../..'].map((up) => join(dir, up)))
    t.equal(lstatSync(folder).mode & 0o777, 0o700);
  for (const file of readdirSync(dir)) t.equal(statSync(join(dir, file)).mode & 0o777, 0o600, file);
  const record = readFileSync(join(dir, 'run'), 'utf8');
  t.match(record, new RegExp(`^run ${backend.run}$`, 'm'));
  t.match(record, new RegExp(`^pid ${pidIn(backend.says)}$`, 'm'));
  t.match(
    record,
    new RegExp(`^token ${createHash('sha256').update(String(backend.token?.reveal())).digest('hex')}$`, 'm'),
  );
  t.match(backend.token?.reveal(), /^[\w-]{43}$/);
});

test('twenty links after each other have one backend, and two at once start one', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const both = await Promise.all([launching(t, link, mains), launching(t, await openTestLink(t, sshd), mains)]);
  const [one, two] = await Promise.all(both.map((each) => each.up()));
  t.equal(one?.run, two?.run);
  t.same([one?.adopted, two?.adopted].sort(), [false, true]);
  t.equal(one?.token?.reveal(), two?.token?.reveal());
  for (let n = 0; n < 20; n++) {
    const each = await launching(t, link, mains);
    t.match(await each.up(), { adopted: true, run: one?.run, says: one?.says });
  }
  const marked = processesWith(`TOWLINE_RUN=${one?.run}`);
  t.equal(marked.length, 2, 'the shell of the command and node');
});

test('a dead backend is replaced by a new run with a new token', async (t) => {
  const sshd = await startSshd(t);
  const { up } = await launching(t, await openTestLink(t, sshd), mains);
  const first = await up();
  const { signal } = new AbortController();
  const verify = first.verify ?? (() => Promise.reject(new Error('it cannot say')));
  t.equal(await verify(signal), true);
  await endAll(processesWith(`TOWLINE_RUN=${first.run}`));
  await t.rejects(verify(signal), { code: 'TARGET_REFUSED' });
  await startSquatter(t, first.target.kind === 'tcp' ? first.target.port : 0);
  await t.rejects(verify(signal), { code: 'BACKEND_FOREIGN', message: new RegExp(`pid ${process.pid}, `) });
  const second = await up();
  t.match(second, { adopted: false });
  t.not(second.run, first.run);
  t.not(second.token?.reveal(), first.token?.reveal());
});

test('a backend of another command is adopted with a warning', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const first = await (await launching(t, link, mains)).up();
  const other = await launching(t, link, { ...mains, command: `exec ${HERE} serve --port={port}` });
  t.match(await other.up(), { adopted: true, run: first.run });
  t.match(other.warnings, [
    /^the backend box of relay box was started by another command than .*`towline backend stop box` ends it/,
  ]);
  const passing = await launching(t, link, { ...mains, lifetime: 'session' });
  t.match(await passing.up(), { adopted: true, run: first.run });
  t.match(passing.warnings, [/ was started by another lifetime than the config has now; `towline backend stop box`/]);
});

test('folder, environment and port reach the command; it keeps the umask and hears Ctrl-C', async (t) => {
  const sshd = await startSshd(t);
  mkdirSync(join(sshd.home, 'a b'));
  const port = await freePort();
  const { up } = await launching(t, await openTestLink(t, sshd), {
    command: `echo "$PWD $NAME $(umask) $(grep SigIgn /proc/self/status)" > seen; exec ${HERE} http --port=$PORT`,
    port,
    cwd: '~/a b',
    env: { NAME: `it's $HOME`, PORT: '{port}' },
    name: 'other-name',
  });
  const backend = await up();
  t.match(backend, { target: { port }, door: null });
  t.notOk('token' in backend);
  const seen = readFileSync(join(sshd.home, 'a b/seen'), 'utf8');
  t.match(seen, `${join(sshd.home, 'a b')} it's $HOME 0022 `);
  const ignored = Number.parseInt(/SigIgn:\s+([0-9a-f]+)/.exec(seen)?.[1] ?? 'f', 16);
  t.equal(ignored & 0b110, 0, 'neither SIGINT nor SIGQUIT is ignored');
  t.ok(existsSync(stateFolder(sshd.home, 'other-name')));
  const nowhere = await launching(t, await openTestLink(t, sshd), { command: 'true', cwd: '~/none' });
  await t.rejects(nowhere.up(), {
    code: 'LAUNCH_FAILED',
    message: /ended with exit code 1.*there is no folder .*none/,
  });
});

test('version managers are found without a login shell, and nothing of theirs is run', async (t) => {
  const sshd = await startSshd(t);
  const put = (path: string) => {
    mkdirSync(join(sshd.home, path), { recursive: true });
    writeFileSync(join(sshd.home, path, path.replace(/\W/g, '-')), '#!/bin/sh\n', { mode: 0o755 });
  };
  const bins = ['.volta/bin', '.local/bin', '.cargo/bin', '.bun/bin', '.asdf/shims', '.local/share/mise/shims'];
  for (const bin of [...bins, '.nvm/versions/node/v9.1.0/bin', '.nvm/versions/node/v20.11.1/bin']) put(bin);
  put('.nvm/versions/node/v18.2.0/bin');
  put('.local/share/fnm/aliases/default/bin');
  put('.nvm/alias');
  writeFileSync(join(sshd.home, '.nvm/alias/default'), 'lts/*\n');
  put('.linuxbrew/bin');
  const link = await openTestLink(t, sshd);
  const path = async (name: string) => {
    await (await launching(t, link, { command: `echo "$PATH" >path; exec ${HERE} http --port={port}`, name })).up();
    return readFileSync(join(sshd.home, 'path'), 'utf8').trim().split(':');
  };
  const first = await path('first');
  for (const bin of [...bins, '.local/share/fnm/aliases/default/bin']) t.ok(first.includes(join(sshd.home, bin)), bin);
  t.equal(first[0], join(sshd.home, '.nvm/versions/node/v20.11.1/bin'));
  const brew = first.indexOf(join(sshd.home, '.linuxbrew/bin'));
  t.ok(brew > first.indexOf('/usr/bin') && brew > first.indexOf('/bin'), 'Homebrew comes behind what the system has');
  writeFileSync(join(sshd.home, '.nvm/alias/default'), 'v18\n');
  t.equal((await path('second'))[0], join(sshd.home, '.nvm/versions/node/v18.2.0/bin'));
});

test('the port is the only one that it listens on, or the one that it prints', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const silent = await launching(t, link, { command: `exec ${HERE} http --silent`, name: 'silent' });
  const backend = await silent.up();
  t.ok(backend.target.kind === 'tcp' && backend.target.port > 0);
  const two = `${HERE} http --silent & exec ${HERE} serve`;
  const printing = await launching(t, link, { recipe: 'mains', command: two, name: 'printing' });
  const log = () => join(stateFolder(sshd.home, 'printing'), 'log.1');
  const { target } = await printing.up();
  t.match(readFileSync(log(), 'utf8'), `ws://127.0.0.1:${target.kind === 'tcp' && target.port}`);
  // One process opens both: two of them might open them so far apart that the first one is taken as the only one.
  const listen = "require('node:net').createServer().listen(0, '127.0.0.1')";
  const both = `exec ${process.execPath} -e "${listen}; ${listen}"`;
  const unclear = await launching(t, link, { command: both, name: 'unclear', deadline: '6s' });
  await t.rejects(unclear.up(), { code: 'LAUNCH_TIMEOUT', message: /it listens on \d+, \d+, and nothing says which/ });
});

test('a token that it prints is kept for the links to come', async (t) => {
  const sshd = await startSshd(t);
  const recipe = {
    prints: 'on ws://[^\\s:]+:(\\d+)',
    token: { from: 'output', pattern: 'pairing token: (\\S+)', none: 'no pairing' },
  };
  const link = await openTestLink(t, sshd);
  const told = { command: `exec ${HERE} serve`, recipe, env: { MAINS_SERVE_TOKEN: 'printed-token-1' } };
  const first = await (await launching(t, link, told)).up();
  t.equal(first.token?.reveal(), 'printed-token-1');
  const dir = stateFolder(sshd.home, 'box');
  writeFileSync(join(dir, 'log.1'), '');
  const again = await (await launching(t, link, told)).up();
  t.match(again, { adopted: true });
  t.equal(again.token?.reveal(), 'printed-token-1');
  const none = await (await launching(t, link, { command: `exec ${HERE} serve`, recipe, name: 'none' })).up();
  t.equal(none.token, null);
  t.equal((await (await launching(t, link, { ...told, env: {}, name: 'none' })).up()).token, null);
  writeFileSync(join(dir, 'token'), 'another\n');
  await t.rejects((await launching(t, link, told)).up(), { code: 'TOKEN_CHANGED', message: /look at who changed it/ });
});

test('a token in a line of JSON is found by its path, kept, and shown nowhere', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const says = (value: string) => `echo '${JSON.stringify({ level: 30, auth: { pairing: value } })}' >&2`;
  const listen = `exec ${HERE} http --port={port}`;
  const told = { command: `${says('json-token-1')}; ${listen}`, tokenJson: 'auth.pairing' };
  const first = await launching(t, link, told);
  t.equal((await first.up()).token?.reveal(), 'json-token-1');
  t.notMatch(first.progress.join('\n'), /json-token/);
  const other = await launching(t, link, { ...told, tokenJson: 'auth.other' });
  t.match(await other.up(), { adopted: true });
  t.match(other.warnings, [/by another token rule than the config has now/]);
  const log = await readBackendLog(first.host, 'box', { options: told });
  t.match(log, /"auth":\{"pairing":"\[secret\]"\}/);
  const wrong = { ...told, tokenJson: 'auth.token', deadline: '2s', name: 'wrong' };
  await t.rejects((await launching(t, link, wrong)).up(), {
    code: 'LAUNCH_TIMEOUT',
    message:
      /listens, but no line that it printed in \d+ s, .* is JSON with a token at "auth\.token"; .*; correct "tokenJson" in/,
  });
});

test('the token is known to the links to come though the backend moves to another port', async (t) => {
  const sshd = await startSshd(t);
  const recipe = {
    prints: 'on ws://[^\\s:]+:(\\d+)',
    token: { from: 'output', pattern: 'pairing token: (\\S+)', none: 'no pairing' },
  };
  const link = await openTestLink(t, sshd);
  const told = { command: `exec ${HERE} serve`, recipe, env: { MAINS_SERVE_TOKEN: 'printed-token-1' } };
  const first = await (await launching(t, link, told)).up();
  const file = join(stateFolder(sshd.home, 'box'), 'ready');
  const before = readFileSync(file, 'utf8');
  t.match(before, / [0-9a-f]{64}\n$/);
  // As if it had listened elsewhere when it was last looked at.
  const other = await freePort();
  writeFileSync(file, before.replace(/^(\S+) \d+/, `$1 ${other}`));
  const settled = await launching(t, link, told);
  t.match(await settled.up(), { adopted: true, target: first.target });
  t.equal(readFileSync(file, 'utf8'), before);
  t.same(settled.warnings, []);
  // Nothing can be written there any more: it serves all the same, and that is told.
  writeFileSync(file, before.replace(/^(\S+) \d+/, `$1 ${other}`));
  mkdirSync(`${file}.new`);
  const unwritten = await launching(t, link, told);
  t.match(await unwritten.up(), { adopted: true, target: first.target });
  t.match(unwritten.warnings, [/ did not write down where the backend box listens; the next link looks for it/]);
  rmSync(`${file}.new`, { recursive: true });
  const later = await (await launching(t, link, told)).up();
  t.equal(later.token?.reveal(), 'printed-token-1');
});

test('a backend that is adopted under another token rule is said to keep the older one', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const serve = { command: `exec ${HERE} serve`, recipe: 'generic', env: { MAINS_SERVE_TOKEN: 'printed-token-1' } };
  const first = await launching(t, link, { ...serve, tokenPattern: 'pairing token: (\\S+)' });
  t.equal((await first.up()).token?.reveal(), 'printed-token-1');
  t.match(await first.up(), { adopted: true });
  t.same(first.warnings, []);
  const other = await launching(t, link, { ...serve, tokenPattern: 'secret word: (\\S+)' });
  t.equal((await other.up()).token?.reveal(), 'printed-token-1');
  t.match(other.warnings, [
    /^the backend box of relay box was started by another token rule than the config has now, and keeps the token of the older rule; `towline backend stop box` ends it, then `towline restart box` starts the new one$/,
  ]);
  const file = join(stateFolder(sshd.home, 'box'), 'run');
  t.notMatch(readFileSync(file, 'utf8'), /printed-token|pairing/, 'a digest, never the token');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^rule .*\n/m, ''));
  t.match(await other.up(), { adopted: true });
  t.equal(other.warnings.length, 1, 'an older towline did not write the rule down');
  const both = await launching(t, link, { ...serve, name: 'plain', tokenPattern: undefined });
  t.notOk('token' in (await both.up()), 'anything else may have a token: a rule beside it is asked');
  const taken = await launching(t, link, { command: `exec ${HERE} serve --x`, recipe: 'mains', name: 'plain' });
  await taken.up();
  t.match(taken.warnings, [
    /^the backend plain of relay box was started by another command and another token rule than/,
  ]);
});

test('a state folder that others could have laid there is refused', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const { up } = await launching(t, link, mains);
  const state = join(sshd.home, '.local/state/towline');
  mkdirSync(join(state, 'elsewhere'), { recursive: true });
  await t.rejects(
    launching(t, link, { command: 'true' }).then(({ up }) => up()),
    { code: 'LAUNCH_FAILED' },
  );
  const dir = stateFolder(sshd.home, 'box');
  rmSync(dir, { recursive: true });
  symlinkSync(join(state, 'elsewhere'), dir);
  await t.rejects(up(), { code: 'LAUNCH_FAILED', message: /state folder .* cannot be used: .*box is a symlink/ });
  t.same(readdirSync(join(state, 'elsewhere')), []);
});

test('the token is in no argument of any process, on either side', async (t) => {
  const sshd = await startSshd(t);
  const { up, host } = await launching(t, await openTestLink(t, sshd), mains);
  const seen = new Set<string>();
  const timer = setInterval(() => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
      } catch {
        // Gone meanwhile.
      }
    }
  }, 5);
  t.teardown(() => clearInterval(timer));
  const backend = await up();
  await up();
  const token = backend.token?.reveal() ?? '';
  await host.writeFile(join(sshd.home, 'copy'), token);
  await host.readFile(join(sshd.home, 'copy'));
  t.ok([...seen].some((line) => /backends\/[^/]+\/box\/keep/.test(line)));
  t.notOk([...seen].some((line) => line.includes(token)));
  const carriers = readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(token);
    } catch {
      return false;
    }
  });
  t.same(
    carriers.map(Number).sort(),
    processesWith(`TOWLINE_RUN=${backend.run}`).sort(),
    'its environment alone has it',
  );
});
