import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import type { HostConfig } from '../../../../src/core/ssh/resolve/host-config.ts';
import { resolveHost } from '../../../../src/core/ssh/resolve/resolve.ts';
import { makeTemp } from '../../../fixtures/temp.ts';

interface Setup {
  readonly home: string;
  readonly file: string;
  readonly resolve: (host?: string, env?: Record<string, string>) => Promise<HostConfig>;
}

/** A home of its own with an ~/.ssh/config. */
function setUp(t: Test, config: string | null, others: Readonly<Record<string, string>> = {}): Setup {
  const home = makeTemp(t, 'home');
  mkdirSync(join(home, '.ssh'), { mode: 0o700 });
  const file = join(home, '.ssh/config');
  if (config !== null) writeFileSync(file, config, { mode: 0o600 });
  for (const [name, text] of Object.entries(others)) writeFileSync(join(home, '.ssh', name), text, { mode: 0o600 });
  const resolve: Setup['resolve'] = (host = 'h', env = {}) => {
    return resolveHost(host, { sshConfig: null, home, localUser: 'me', env });
  };
  return { home, file, resolve };
}

test('without a config everything is a default', async (t) => {
  const { home, file, resolve } = setUp(t, null);
  const host = await resolve('Me@Box:2200', { SSH_AUTH_SOCK: '/run/a' });
  t.match(host, {
    alias: 'Me@Box:2200',
    hostName: 'box',
    user: 'Me',
    port: 2200,
    identitiesOnly: false,
    agent: '/run/a',
  });
  t.match(host, { hostKeyAlias: null, proxyJump: [], keepalive: null, warnings: [], identityFilesDefault: true });
  t.ok(host.identityFiles.includes(join(home, '.ssh/id_ed25519')));
  t.equal(host.knownHostsFiles[0], join(home, '.ssh/known_hosts'));
  t.ok(host.files.includes(file), 'a file that is missing may appear');
});

/** As ssh_config writes it. */
function variable(name: string): string {
  return `$\{${name}}`;
}

/** What is refused: the config, the code, the line that is named and a word of the sentence. */
const refused: readonly [string, string, number, RegExp][] = [
  ['Port 0', 'SSH_CONFIG_INVALID', 1, /number from 1 to 65535/],
  ['Port 70000', 'SSH_CONFIG_INVALID', 1, /70000/],
  ['Host z\nPort bad', 'SSH_CONFIG_INVALID', 2, /bad/],
  ['Port 1 2', 'SSH_CONFIG_INVALID', 1, /too many/],
  ['Port', 'SSH_CONFIG_INVALID', 1, /no argument/],
  ['User ""', 'SSH_CONFIG_INVALID', 1, /lacks its argument/],
  ['User "x', 'SSH_CONFIG_INVALID', 1, /quote/],
  ['IdentitiesOnly maybe', 'SSH_CONFIG_INVALID', 1, /yes, true, no, false/],
  ['ServerAliveInterval 1.5', 'SSH_CONFIG_INVALID', 1, /time/],
  ['ServerAliveCountMax -1', 'SSH_CONFIG_INVALID', 1, /number/],
  ['UserKnownHostsFile /a none', 'SSH_CONFIG_INVALID', 1, /alone/],
  ['StrictHostKeyChecking blind', 'SSH_CONFIG_INVALID', 1, /accept-new/],
  ['Host h ""', 'SSH_CONFIG_INVALID', 1, /empty/],
  ['Match', 'SSH_CONFIG_INVALID', 1, /no argument/],
  ['Match host', 'SSH_CONFIG_INVALID', 1, /lacks its argument/],
  ['Match colour red', 'SSH_CONFIG_INVALID', 1, /not a condition/],
  ['Match all host h', 'SSH_CONFIG_INVALID', 1, /alone/],
  ['HostName %q', 'SSH_CONFIG_INVALID', 1, /%q/],
  ['HostName a%', 'SSH_CONFIG_INVALID', 1, /token/],
  ['\n\nIdentityFile %Q', 'SSH_CONFIG_INVALID', 3, /%Q/],
  [`IdentityFile ${variable('UNSET')}/x`, 'SSH_CONFIG_INVALID', 1, /UNSET/],
  ['IdentityFile ${OPEN', 'SSH_CONFIG_INVALID', 1, /OPEN/],
  [`IdentityFile ${variable('NEWLINE')}`, 'SSH_CONFIG_INVALID', 1, /control character/],
  ['IdentityFile ~other/x', 'SSH_CONFIG_INVALID', 1, /another user/],
  ['IdentityAgent $a-b', 'SSH_CONFIG_INVALID', 1, /no variable/],
  ['ProxyCommand nc %h %p', 'SSH_CONFIG_INVALID', 1, /ProxyCommand is not supported yet/],
  ['RevokedHostKeys /k', 'SSH_CONFIG_INVALID', 1, /not supported yet/],
  ['ProxyJump h', 'SSH_CONFIG_INVALID', 1, /to itself/],
  ['Include ""', 'SSH_CONFIG_INVALID', 1, /empty/],
  ['\ufeffHost h', 'SSH_CONFIG_INVALID', 1, /byte order mark/],
  ['HostName -oProxyCommand=x', 'HOST_INVALID', 1, /start with '-'/],
  ['HostName "a;b"', 'HOST_INVALID', 1, /";"/],
  ['User "a b"', 'HOST_INVALID', 1, /" "/],
  ['User $(id)', 'HOST_INVALID', 1, /"\$"/],
  ['HostKeyAlias a|b', 'HOST_INVALID', 1, /"\|"/],
  ['ProxyJump user;x@host;y', 'HOST_INVALID', 1, /";"/],
  ['ProxyJump a, b', 'HOST_INVALID', 1, /" "/],
  ['ProxyJump "a"', 'HOST_INVALID', 1, /ProxyJump/],
  ['ProxyJump a,,b', 'HOST_INVALID', 1, /empty/],
  ['ProxyJump a:0', 'HOST_INVALID', 1, /port "0"/],
];

test('what ssh would refuse, or we cannot honour, is refused with file and line', async (t) => {
  for (const [config, code, line, text] of refused) {
    const { file, resolve } = setUp(t, config);
    const name = JSON.stringify(config);
    const fault = await resolve('h', { NEWLINE: 'a\nb' }).catch((error: unknown) => error);
    t.match(fault, { code, message: text }, name);
    t.match(fault, { message: new RegExp(`^${file}:${line}: `) }, name);
  }
});

test('ssh refuses the same values', async (t) => {
  const ours = [
    'ProxyCommand',
    'RevokedHostKeys',
    'HostName -o',
    '"a;b"',
    '"a b"',
    '$(id)',
    'a|b',
    '~other',
    'NEWLINE',
  ];
  for (const [config] of refused) {
    // Stricter than ssh, on purpose; or refused by ssh only when it connects.
    if (
      ours.some((word) => config.includes(word)) ||
      /IdentityFile|^ProxyJump "a"|^ProxyJump user;|^Match all host/.test(config)
    )
      continue;
    const { file } = setUp(t, config);
    t.throws(() => execFileSync('ssh', ['-G', '-F', file, 'h'], { stdio: 'pipe' }), JSON.stringify(config));
  }
});

test('what is not honoured yet is named where it applies', async (t) => {
  const config = [
    'Host z',
    '  CertificateFile /z',
    'Host h',
    '  StrictHostKeyChecking no',
    '  CertificateFile /c',
    '  PubkeyAuthentication yes',
    '  IdentityFile rel/key',
    'Match host h exec "touch /nowhere/ran"',
    '  User evil',
    'Match host z exec "true"',
    '  User evil',
    'IdentitysOnly yes',
  ].join('\n');
  const { home, file, resolve } = setUp(t, config);
  const host = await resolve();
  t.equal(host.user, 'me');
  t.strictSame(host.identityFiles, [join(home, 'rel/key')]);
  t.strictSame(host.warnings, [
    `${file}:5: "certificatefile" is not supported yet and is left out`,
    `${file}:8: "Match exec" is not supported yet; the block is left out`,
    `${file}:12: "identitysonly" is no keyword of ssh and is left out`,
    `${file}:4: StrictHostKeyChecking no is not followed: host keys are always checked`,
    `${file}:7: "rel/key" is not absolute and is looked for in ${home}`,
  ]);
});

test('Match exec executes nothing', async (t) => {
  const proof = join(makeTemp(t), 'ran');
  const { resolve } = setUp(t, `Match exec "touch ${proof}"\n User x\nMatch !exec "touch ${proof}"\n User y\n`);
  t.equal((await resolve()).user, 'me');
  t.throws(() => chmodSync(proof, 0o600), { code: 'ENOENT' });
});

test('the agent is what IdentityAgent says', async (t) => {
  const env = { SSH_AUTH_SOCK: '/run/a', OTHER: '/run/o' };
  const cases: readonly [string, string | null][] = [
    ['', '/run/a'],
    ['IdentityAgent none', null],
    ['IdentityAgent SSH_AUTH_SOCK', '/run/a'],
    ['IdentityAgent $OTHER', '/run/o'],
    ['IdentityAgent $UNSET', null],
    [`IdentityAgent ${variable('OTHER')}.2`, '/run/o.2'],
    ['IdentityAgent /x/%r', '/x/me'],
    ['IdentityAgent none\nIdentityAgent /x', null],
  ];
  for (const [config, agent] of cases) {
    const { resolve } = setUp(t, config);
    t.equal((await resolve('h', env)).agent, agent, config);
  }
  const { home, resolve } = setUp(t, 'IdentityAgent ~/a.sock');
  t.equal((await resolve()).agent, join(home, 'a.sock'));
  t.equal((await setUp(t, null).resolve()).agent, null);
});

test('includes lie in ~/.ssh, nest, and are watched', async (t) => {
  const { home, resolve } = setUp(t, 'Include conf.d/*.conf ~/.ssh/b\n', { b: 'Include c\n', c: 'Host h\n User x\n' });
  mkdirSync(join(home, '.ssh/conf.d'));
  const host = await resolve();
  t.equal(host.user, 'x');
  for (const name of ['config', 'conf.d', 'b', 'c']) t.ok(host.files.includes(join(home, '.ssh', name)), name);
});

test('an include loop ends in a fault, however it branches', async (t) => {
  for (const config of ['Include config\n', 'Include config config\nInclude config\n']) {
    const { resolve } = setUp(t, config);
    await t.rejects(resolve(), { code: 'SSH_CONFIG_INVALID', message: /16 levels/ });
  }
  const wide = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`l${i}`, `Include l${i + 1} l${i + 1}\n`]));
  const { resolve } = setUp(t, 'Include l0\n', { ...wide, l15: '' });
  await t.rejects(resolve(), { code: 'SSH_CONFIG_INVALID', message: /1000 files/ });
});

test('a config that others may write is refused, as ssh does', async (t) => {
  for (const mode of [0o620, 0o602, 0o666]) {
    const { file, resolve } = setUp(t, 'User x\n');
    chmodSync(file, mode);
    await t.rejects(resolve(), { code: 'SSH_CONFIG_INVALID', message: /bad owner or permissions/ });
    const { home, resolve: include } = setUp(t, 'Include a\n', { a: 'User x\n' });
    chmodSync(join(home, '.ssh/a'), mode);
    await t.rejects(include(), { code: 'SSH_CONFIG_INVALID', message: /bad owner or permissions on .*\/a / });
  }
  const { file, resolve } = setUp(t, 'User x\n');
  chmodSync(file, 0o644);
  t.equal((await resolve()).user, 'x');
});

test('an explicit file is read alone and must be there', async (t) => {
  const { home, file } = setUp(t, 'User x\n', { other: 'Port 5\n' });
  const options = { home, localUser: 'me', env: {} };
  const other = join(home, '.ssh/other');
  t.match(await resolveHost('h', { ...options, sshConfig: other }), { user: 'me', port: 5, files: [other] });
  t.match(await resolveHost('h', { ...options, sshConfig: 'none' }), { user: 'me', port: 22, files: [] });
  t.match(await resolveHost('h', { ...options, sshConfig: '/dev/null' }), { user: 'me', port: 22 });
  const missing = resolveHost('h', { ...options, sshConfig: `${file}.no` });
  await t.rejects(missing, {
    code: 'SSH_CONFIG_INVALID',
    message: `${file}.no does not exist; correct the path or its permissions`,
  });
});

test('a fifo or folder in the place of a config never blocks', async (t) => {
  const { home, file, resolve } = setUp(t, null);
  mkdirSync(file);
  await t.rejects(resolve(), { code: 'SSH_CONFIG_INVALID', message: /not a regular file/ });
  const fifo = join(home, 'fifo');
  execFileSync('mkfifo', ['-m', '600', fifo]);
  const options = { sshConfig: fifo, home, localUser: 'me', env: {} };
  await t.rejects(resolveHost('h', options), { code: 'SSH_CONFIG_INVALID', message: /not a regular file/ });
});

test('a local user that must not reach ssh is refused only where it is used', async (t) => {
  const { home } = setUp(t, null);
  const options = { sshConfig: 'none', home, localUser: 'a b', env: {} };
  await t.rejects(resolveHost('h', options), { code: 'HOST_INVALID' });
  t.equal((await resolveHost('x@h', options)).user, 'x');
});
