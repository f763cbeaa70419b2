import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import type { Backend } from '../../../src/core/model/backend.ts';
import { Fault } from '../../../src/core/model/fault.ts';
import type { RemoteHost } from '../../../src/core/model/remote.ts';
import { pluginConforms } from '../../../src/plugin.ts';
import { parseTokenRule } from '../../../src/plugins/token/rule.ts';
import tokenPlugin from '../../../src/plugins/token/token.ts';
import { openRemoteHost } from '../../fixtures/remote-host.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { makeTemp } from '../../fixtures/temp.ts';

const token = 'tk-5f0a3c9e1b7d4826a0c2e4f6';
const signal = new AbortController().signal;

/** Asks the plugin, as a relay would: the token, null for none, or the fault as `CODE message`. */
async function ask(
  link: RemoteHost,
  options: Readonly<Record<string, unknown>>,
  { backend = null, env = {} }: { backend?: Backend | null; env?: Readonly<Record<string, string>> } = {},
): Promise<string | null> {
  try {
    const parsed = tokenPlugin.options?.parse(options);
    if (parsed === undefined) throw new Error('the plugin has options');
    const context = { relay: 'dev-box', options: parsed, env, signal, uidOf: async () => null };
    const hooks = await tokenPlugin.relay?.(context);
    const secret = await hooks?.token?.(link, backend, signal);
    return secret?.reveal() ?? null;
  } catch (error) {
    const fault = Fault.from(error);
    return `${fault.code} ${fault.message}`;
  }
}

/** For rules that never ask it. */
const nowhere: RemoteHost = {
  facts: { remote: 'me@devbox:22', user: 'me' },
  run: () => Promise.reject(new Error('not asked')),
  readFile: () => Promise.reject(new Error('not asked')),
  writeFile: () => Promise.reject(new Error('not asked')),
  dial: () => Promise.reject(new Error('not asked')),
};

function backendOn(port: number): Backend {
  const target = { kind: 'tcp', host: '127.0.0.1', port } as const;
  return { target, run: null, adopted: true, door: null, opens: null, says: '' };
}

test('the token plugin keeps the rules of plugins', async (t) => {
  const samples = [{ from: 'none' }, { recipe: 'jupyter' }, { from: 'file', path: '~/t', pattern: 't=(\\w+)' }];
  for (const options of samples)
    await pluginConforms(tokenPlugin, { options, refused: [{ from: 'nowhere' }, { from: 'file' }] });
  t.pass('each of them');
});

test('a file of the remote host: whole, by pattern, by JSON, below home, and the end of a long log', async (t) => {
  const sshd = await startSshd(t);
  const link = await openRemoteHost(t, sshd);
  const write = (name: string, text: string) => writeFileSync(join(sshd.home, name), text);
  write("it's here", `\uFEFF${token}\r\n`);
  t.equal(await ask(link, { from: 'file', path: "~/it's here" }), token);
  t.equal(await ask(link, { from: 'file', path: join(sshd.home, "it's here") }), token);
  write('config.yaml', `auth: password\npassword: ${token}\ncert: false\n`);
  t.equal(await ask(link, { from: 'file', path: '~/config.yaml', pattern: '^password: (\\S+)' }), token);
  write('run.json', JSON.stringify({ servers: [{ auth: { token } }] }));
  t.equal(await ask(link, { from: 'file', path: '~/run.json', json: 'servers.0.auth.token' }), token);
  write('log', `${'noise\n'.repeat(50_000)}\x1b[1mhttp://127.0.0.1:8888/?token=\x1b[32m${token}\x1b[0m\r\n`);
  t.equal(await ask(link, { from: 'file', path: '~/log', pattern: '[?&]token=([\\w-]+)' }), token);
});

test('a remote file that is not there, no file, too large or of several lines is named, and never quoted', async (t) => {
  const sshd = await startSshd(t);
  const link = await openRemoteHost(t, sshd);
  writeFileSync(join(sshd.home, 'large'), 'x'.repeat(70_000));
  writeFileSync(join(sshd.home, 'lines'), `${token}\n${token}\n`);
  t.match(
    await ask(link, { from: 'file', path: '~/gone' }),
    /^REMOTE_FILE there is no file ~\/gone on .*; correct the path/,
  );
  t.match(await ask(link, { from: 'file', path: '~/' }), /^REMOTE_FILE .* cannot be read/);
  t.match(await ask(link, { from: 'file', path: '/dev/zero' }), /^REMOTE_FILE .* cannot be read/);
  t.match(await ask(link, { from: 'file', path: '~/large' }), /^REMOTE_FILE .* larger than 61440 bytes/);
  const lines = await ask(link, { from: 'file', path: '~/lines' });
  t.match(lines, /^TOKEN_MISSING .* has more than one line; a token is one word/);
  t.notMatch(lines, token);
  t.match(await ask(link, { from: 'file', path: '~/lines', json: 'a' }), /^TOKEN_MISSING .* has no JSON/);
  t.match(
    await ask(link, { from: 'file', path: '~/lines', pattern: 'id=(\\w+)' }),
    /^TOKEN_MISSING nothing in ~\/lines on .* matches the token pattern \/.*\/; correct "pattern"/,
  );
});

test('a command of the remote host: one JSON value a line, of which the one on the port of the backend counts', async (t) => {
  const sshd = await startSshd(t);
  const link = await openRemoteHost(t, sshd);
  const list = (...servers: readonly object[]) =>
    `echo 'Currently running servers:'; ${servers.map((one) => `echo '${JSON.stringify(one)}'`).join('; ')}`;
  const json = { from: 'command', json: 'token' };
  const [mine, other] = [
    { port: 8899, token },
    { port: 8888, token: 'other' },
  ];
  t.equal(await ask(link, { ...json, command: list(mine) }), token);
  t.equal(await ask(link, { ...json, command: list(other, mine) }, { backend: backendOn(8899) }), token);
  t.match(await ask(link, { ...json, command: list(other, mine) }), /has 2 different tokens at "token"/);
  t.equal(await ask(link, { ...json, command: list({ port: 8899, token: '' }) }), null, 'no authentication');
  t.match(
    await ask(link, { ...json, command: list({}) }),
    /has no token at the JSON path "token", where a text or a whole number must be; correct "json"/,
  );
  t.match(
    await ask(link, { ...json, json: '__proto__.x', command: list({}) }),
    /has no token at the JSON path "__proto__.x"/,
  );
  const printed = `printf 'http://127.0.0.1:8899/?tok' >&2; printf 'en=${token}\\n' >&2; printf '\\000\\377'`;
  t.equal(await ask(link, { from: 'command', command: printed, pattern: 'token=([\\w-]+)' }), token, 'on stderr');
  const says = { from: 'command', pattern: 'token: (\\S+)', none: 'no pairing token' };
  t.equal(await ask(link, { ...says, command: 'echo no pairing token' }), null);
  const foreign = await ask(link, {
    from: 'command',
    command: 'echo http://evil.test/?token=x',
    pattern: 'token=(\\w+)',
  });
  t.match(foreign, /TOKEN_MISSING .*address of another host, evil.test/);
});

test('a remote command that fails, hangs or is missing is named, without what it said in letters and digits', async (t) => {
  const sshd = await startSshd(t);
  const link = await openRemoteHost(t, sshd);
  const failed = await ask(link, { from: 'command', command: `echo bad ${token} >&2; exit 3` });
  t.match(failed, /^TOKEN_MISSING .* ended with 3: bad \[redacted\]; run it there by hand/);
  const where = '/srv/customer-portal-2026/server/token-file.txt';
  const unread = await ask(link, { from: 'command', command: `echo 'cannot open ${where}' >&2; exit 1` });
  t.match(unread, `ended with 1: cannot open ${where}; run it there by hand`);
  const gone = await ask(link, { from: 'command', command: '/nowhere/print-token --all' });
  t.match(gone, /ended with 127: there is no file \/nowhere\/print-token; run it there by hand/);
  t.match(
    await ask(link, { from: 'command', command: 'no-such-program' }),
    /ended with 127: it is not on the PATH there/,
  );
  const began = performance.now();
  const late = await ask(link, { from: 'command', command: 'sleep 20', deadline: '300ms' });
  t.match(late, /^TOKEN_MISSING .* did not end within 0.3 s/);
  t.ok(performance.now() - began < 5_000);
});

test('a local file is read only where nobody else can read it, and no link is followed', async (t) => {
  const dir = makeTemp(t, 'local');
  const file = join(dir, 'token');
  const ruled = { from: 'local-file', path: file };
  t.match(await ask(nowhere, ruled), /^TOKEN_MISSING there is no file .*; write the token into it, with mode 0600/);
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  t.equal(await ask(nowhere, ruled), token);
  chmodSync(file, 0o644);
  t.match(await ask(nowhere, ruled), /^TOKEN_UNSAFE .* is readable by others \(0644\); run: chmod 600/);
  chmodSync(file, 0o600);
  symlinkSync(file, join(dir, 'link'));
  t.match(await ask(nowhere, { ...ruled, path: join(dir, 'link') }), /^TOKEN_UNSAFE .* is a symbolic link/);
  mkdirSync(join(dir, 'folder'));
  t.match(await ask(nowhere, { ...ruled, path: join(dir, 'folder') }), /^TOKEN_UNSAFE .* is no regular file/);
  writeFileSync(join(dir, 'large'), 'x'.repeat(70_000), { mode: 0o600 });
  t.match(await ask(nowhere, { ...ruled, path: join(dir, 'large') }), /^TOKEN_UNSAFE .* larger than/);
  writeFileSync(join(dir, 'blanks'), `${token} ${token}\n`, { mode: 0o600 });
  const blanks = await ask(nowhere, { ...ruled, path: join(dir, 'blanks') });
  t.match(blanks, /^TOKEN_MISSING .* has blanks, or characters/);
  t.notMatch(blanks, token);
});

test("a variable of the daemon's environment, and a local command such as a password manager", async (t) => {
  const env = { PATH: process.env['PATH'] ?? '', MY_TOKEN: token, NODE_OPTIONS: '--require evil' };
  t.equal(await ask(nowhere, { from: 'local-env', name: 'MY_TOKEN' }, { env }), token);
  t.match(await ask(nowhere, { from: 'local-env', name: 'NONE' }, { env }), /^TOKEN_MISSING \$NONE is not set/);
  const run = (command: string, more = {}) => ask(nowhere, { from: 'local-command', command, ...more }, { env });
  t.equal(await run('printf "%s\\n" "$MY_TOKEN"'), token);
  t.match(await run('echo "$NODE_OPTIONS"'), /is empty/);
  t.match(
    await run(`echo locked ${token} >&2; exit 2`),
    /^TOKEN_MISSING .*ended with 2: locked \[redacted\]; run it by hand/,
  );
  t.match(await run('yes'), /^TOKEN_MISSING .*printed more than 65536 bytes/);
  t.match(await run('sleep 20 & wait', { deadline: '200ms' }), /^TOKEN_MISSING .*gave no answer within 0.2 s/);
});

test('a backend without a token is a rule too', async (t) => {
  t.equal(await ask(nowhere, { from: 'none' }), null);
  t.end();
});

test('options that mean nothing are refused with what would', async (t) => {
  const cases: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
    [{}, /"from" must be one of file, command, local-file/],
    [{ from: 'file' }, /from "file" needs "path"/],
    [{ from: 'file', path: 'token' }, /must begin with \/ or ~\//],
    [{ from: 'local-file', path: 'x' }, /must begin with \/ or ~\//],
    [{ from: 'local-env', name: 'A-B' }, /no name of an environment variable/],
    [{ from: 'keyring', name: '../x' }, /no name in the keyring/],
    [{ from: 'none', pattern: 'x' }, /"pattern" means nothing beside from "none"/],
    [{ from: 'command', path: 'x' }, /"path" means nothing beside from "command"; known are from, command, pattern/],
    [{ from: 'command', command: 'x', pattern: '(a+)+$' }, /pattern: this pattern is refused: it repeats a group/],
    [{ from: 'command', command: 'x', pattern: '(a)', json: 'b' }, /exclude each other/],
    [{ from: 'command', command: 'x', none: 'b' }, /"none" needs "pattern"/],
    [{ from: 'command', command: 'x', deadline: '5 years' }, /deadline "5 years" is none/],
    [{ from: 'command', command: 5 }, /"command" must be a text/],
    [{ recipe: 'vite' }, /recipe "vite" does not say where .*jupyter, code-server do/],
  ];
  for (const [options, reason] of cases) {
    const said = await ask(nowhere, options);
    t.match(said, /^CONFIG_INVALID/, JSON.stringify(options));
    t.match(said, reason, JSON.stringify(options));
  }
});

test('a rule may take longer than a hook usually may', async (t) => {
  const options = tokenPlugin.options?.parse({ from: 'local-env', name: 'X', deadline: '30s' });
  if (options === undefined) throw new Error('the plugin has options');
  const hooks = await tokenPlugin.relay?.({ relay: 'r', options, env: {}, signal, uidOf: async () => null });
  t.ok((hooks?.deadlines?.token ?? 0) > 30_000);
});

test('its deadline is written as every duration of a config is', (t) => {
  for (const [deadline, ms] of [
    ['100ms', 100],
    ['5s', 5_000],
    ['1m', 60_000],
  ] as const) {
    t.equal(parseTokenRule({ from: 'command', command: 'x', deadline }).deadline, ms, deadline);
  }
  t.equal(parseTokenRule({ from: 'command', command: 'x' }).deadline, 8_000);
  for (const deadline of ['99ms', '2m', '1h', '5', '']) {
    t.throws(() => parseTokenRule({ from: 'command', command: 'x', deadline }), { code: 'CONFIG_INVALID' }, deadline);
  }
  t.end();
});
