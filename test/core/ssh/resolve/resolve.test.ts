import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import type { HostConfig } from '../../../../src/core/ssh/resolve/host-config.ts';
import { resolveHost } from '../../../fixtures/resolve-host.ts';
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
  ['IdentitiesOnly maybe', 'SSH_CONFIG_INVALID', 1, /true, yes, false, no/],
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
  ['IdentityFile ~nobodyofthatname/x', 'SSH_CONFIG_INVALID', 1, /no user/],
  ['IdentityAgent $a-b', 'SSH_CONFIG_INVALID', 1, /no variable/],
  ['ProxyCommand nc %Q', 'SSH_CONFIG_INVALID', 1, /%Q/],
  ['ProxyUseFdpass yes\nProxyCommand nc %h', 'SSH_CONFIG_INVALID', 1, /ProxyUseFdpass yes is not supported/],
  ['RefuseConnection "not today"', 'SSH_CONFIG_INVALID', 1, /not today/],
  [
    'IdentitysOnly yes',
    'SSH_CONFIG_INVALID',
    1,
    /"identitysonly" is no keyword of ssh, did you mean "identitiesonly"\? correct it, or name it in IgnoreUnknown/,
  ],
  ['HostNam x', 'SSH_CONFIG_INVALID', 1, /did you mean "hostname"\?/],
  ['Hots x', 'SSH_CONFIG_INVALID', 1, /did you mean "host"\?/],
  ['Protocl 2', 'SSH_CONFIG_INVALID', 1, /"protocl" is no keyword of ssh; correct it/],
  ['Nonsense yes', 'SSH_CONFIG_INVALID', 1, /"nonsense" is no keyword of ssh; correct it/],
  ['Ciphers -*', 'SSH_CONFIG_INVALID', 1, /leaves no algorithm/],
  ['Match localnetwork 10.0.0.0/33', 'SSH_CONFIG_INVALID', 1, /no network/],
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
  ['ProxyJump a,,b', 'SSH_CONFIG_INVALID', 1, /no host/],
  ['ProxyJump a:0', 'SSH_CONFIG_INVALID', 1, /"a:0"/],
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
    'RefuseConnection',
    'Ciphers -*',
    'HostName -o',
    '"a;b"',
    '"a b"',
    '$(id)',
    'a|b',
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

test('tokens of a ProxyJump stand for the host behind it, as in ssh', async (t) => {
  const { file, resolve } = setUp(
    t,
    'Host h\n  HostName in.example\n  User ann\n  Port 2022\n  ProxyJump %r@gw-%n:22,gw.%h,ssh://ab@c\nHost gw-*\n  Port 99\n',
  );
  t.strictSame((await resolve('h')).proxyJump, ['ann@gw-h:22', 'gw.in.example', 'ssh://ab@c']);
  await t.rejects(setUp(t, 'ProxyJump gw%u').resolve('h'), { code: 'SSH_CONFIG_INVALID', message: /token "%u"/ });
  t.match(execFileSync('ssh', ['-G', '-F', file, 'h']).toString(), /^proxyjump %r@gw-%n:22,gw\.%h,/m);
});

test('what is left out is named where it is felt', async (t) => {
  const config = [
    'Host z',
    '  BindInterface eth9',
    'Host h',
    '  StrictHostKeyChecking no',
    '  BindInterface eth0',
    '  VerifyHostKeyDNS no',
    '  LocalForward 1 h:2',
    '  IdentityFile rel/key',
  ].join('\n');
  const { home, file, resolve } = setUp(t, config);
  const host = await resolve();
  t.strictSame(host.identityFiles, [join(home, 'rel/key')]);
  t.strictSame(host.identityPlaces, { [join(home, 'rel/key')]: `${file}:8` });
  t.strictSame(host.warnings, [
    `${file}:5: "bindinterface" is left out: an interface cannot be bound; use BindAddress`,
    `${file}:4: StrictHostKeyChecking no counts as accept-new: a changed host key is always refused`,
    `${file}:8: "rel/key" is not absolute and is looked for in ${home}`,
  ]);
});

test('every setting that a relay honours arrives in it', async (t) => {
  const config = [
    'HostName 127.0.0.1',
    'User u',
    'Port 2222',
    'CertificateFile ~/.ssh/c',
    'PubkeyAcceptedAlgorithms ssh-ed25519',
    'RequiredRSASize 3072',
    'PreferredAuthentications password,gssapi-with-mic,publickey',
    'NumberOfPasswordPrompts 1',
    'BatchMode yes',
    'UserKnownHostsFile ~/k /l',
    'GlobalKnownHostsFile none',
    'HashKnownHosts yes',
    'StrictHostKeyChecking accept-new',
    'RevokedHostKeys ~/r',
    'KexAlgorithms ^curve25519-sha256',
    'Ciphers aes256-gcm@openssh.com',
    'MACs -*-etm@*,umac*',
    'HostKeyAlgorithms ssh-ed25519,rsa-sha2-512',
    'AddressFamily inet',
    'BindAddress 127.0.0.2',
    'ProxyCommand nc %h %p %r %n %%',
  ].join('\n');
  const { home, resolve } = setUp(t, config);
  const host = await resolve();
  t.match(host, {
    certificateFiles: [join(home, '.ssh/c')],
    publicKeyAlgorithms: ['ssh-ed25519'],
    requiredRsaSize: 3072,
    authMethods: ['password', 'publickey'],
    passwordPrompts: 1,
    batchMode: true,
    knownHostsFiles: [join(home, 'k'), '/l'],
    knownHostsTo: join(home, 'k'),
    hashKnownHosts: true,
    hostKeyChecking: 'accept-new',
    revokedHostKeys: join(home, 'r'),
    addressFamily: 'inet',
    bindAddress: '127.0.0.2',
    proxyCommand: 'nc 127.0.0.1 2222 u h %',
    keepalive: { interval: 300_000, count: 3 },
  });
  t.strictSame(host.algorithms.ciphers, ['aes256-gcm@openssh.com']);
  t.strictSame(host.algorithms.macs, ['hmac-sha2-256', 'hmac-sha2-512', 'hmac-sha1']);
  t.strictSame(host.algorithms.hostKeys, ['ssh-ed25519', 'rsa-sha2-512']);
  t.equal(host.algorithms.kex?.[0], 'curve25519-sha256');
  t.ok(host.algorithms.inherited.includes('umac-64@openssh.com'), "MACs changes ssh's defaults");
  t.notOk(host.algorithms.inherited.includes('ssh-ed25519'), 'HostKeyAlgorithms is written out whole');
  const plain = await setUp(t, null).resolve();
  t.strictSame(plain.algorithms, {
    kex: null,
    ciphers: null,
    macs: null,
    hostKeys: null,
    hostKeysVerbatim: false,
    inherited: [],
  });
  t.match(plain, {
    authMethods: ['publickey', 'keyboard-interactive', 'password'],
    proxyCommand: null,
    batchMode: false,
  });
});

test("Match exec runs where ssh would run it, with the user's shell and environment", async (t) => {
  const dir = makeTemp(t);
  const { resolve } = setUp(
    t,
    [
      `Match host z exec "touch ${dir}/not-reached"`,
      '  User no',
      `Match exec "echo %n-%p-$MARK >> ${dir}/ran"`,
      '  User x',
      'Match !exec "exit 1" user x',
      '  Port 7',
    ].join('\n'),
  );
  t.match(await resolve('h', { MARK: 'm', PATH: '/usr/bin:/bin' }), { user: 'x', port: 7 });
  t.equal(readFileSync(join(dir, 'ran'), 'utf8'), 'h-22-m\n', 'once');
  t.throws(() => statSync(join(dir, 'not-reached')), { code: 'ENOENT' });
});

test('a Windows domain may stand before a user, but not where a shell would see it', async (t) => {
  t.equal((await setUp(t, 'User "ACME\\\\nina"').resolve()).user, 'ACME\\nina');
  const { proxyCommand } = await setUp(t, 'User "ACME\\\\nina"\nMatch exec true\n  ProxyCommand nc %h %p').resolve();
  t.equal(proxyCommand, 'nc h 22');
  for (const line of ['Match exec "true %r"\n  Port 1', 'ProxyCommand nc %h %p %r']) {
    await t.rejects(setUp(t, `User "ACME\\\\nina"\n${line}`).resolve(), {
      code: 'HOST_INVALID',
      message: /shell may take/,
    });
  }
});

test('no command is run for a name that a shell could mistake', async (t) => {
  const proof = join(makeTemp(t), 'ran');
  const touch = (token: string) => `Match exec "true ${token}; touch ${proof}"\n  Compression yes\n`;
  const hostile = ['$(id)', 'a;b', 'a|b', '`id`', 'a&b', '-x', "a'b", 'a b', 'a<b', 'a>b', 'a(b', 'a{b', 'a\\', 'a,b'];
  for (const name of hostile) {
    const quoted = `"${name.replaceAll('\\', '\\\\')}"`;
    for (const line of [`HostName ${quoted}`, `User ${quoted}`, `HostKeyAlias ${quoted}`]) {
      if (line === 'User "a,b"') continue;
      const { resolve } = setUp(t, `${line}\n${touch('%h %r %k')}`);
      await t.rejects(resolve(), { code: 'HOST_INVALID' }, line);
    }
  }
  t.throws(() => statSync(proof), { code: 'ENOENT' });
});

test('no command is run from a file that others may write', async (t) => {
  const dir = makeTemp(t);
  const file = join(dir, 'config');
  const options = { sshConfig: file, home: dir, localUser: 'me', env: {} };
  for (const text of [`Match exec "touch ${dir}/ran"\n`, 'User u\nProxyCommand nc %h %p\n']) {
    writeFileSync(file, text, { mode: 0o600 });
    await t.resolves(resolveHost('h', { ...options, env: process.env }), text);
    rmSync(join(dir, 'ran'), { force: true });
    chmodSync(file, 0o666);
    await t.rejects(resolveHost('h', options), { code: 'SSH_CONFIG_INVALID', message: /others may write/ }, text);
    chmodSync(file, 0o600);
  }
  writeFileSync(file, 'ProxyCommand none\n');
  chmodSync(file, 0o666);
  await t.resolves(resolveHost('h', options), 'what is not run needs no trust');
  t.throws(() => statSync(join(dir, 'ran')), { code: 'ENOENT' });
});

test('conditions of newer releases are evaluated', async (t) => {
  const cases: readonly [string, boolean][] = [
    ['Tag work\nMatch tagged work,home\n  User x', true],
    ['Match tagged ""\n  User x', true],
    ['Tag a\nMatch tagged b\n  User x', false],
    ['Match localnetwork 127.0.0.0/8\n  User x', true],
    ['Match localnetwork 203.0.113.0/24,127.0.0.1\n  User x', true],
    ['Match !localnetwork 203.0.113.0/24\n  User x', true],
    ['Match localnetwork 203.0.113.0/24\n  User x', false],
    ['Match sessiontype none command ""\n  User x', true],
    ['Match command rsync*\n  User x', false],
  ];
  for (const [config, holds] of cases) t.equal((await setUp(t, config).resolve()).user, holds ? 'x' : 'me', config);
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
  const seen = new Set<boolean>();
  for (const mode of [0o600, 0o644, 0o620, 0o602, 0o666]) {
    const { home, file, resolve } = setUp(t, '', { a: 'User x\n' });
    const included = join(home, '.ssh/a');
    writeFileSync(file, `Include ${included}\n`);
    chmodSync(included, mode);
    const theirs = spawnSync('ssh', ['-G', '-F', file, 'h']).status === 0;
    const ours = await resolve().then(
      () => true,
      (error: unknown) => {
        t.match(error, { code: 'SSH_CONFIG_INVALID', message: /bad owner or permissions on .*\/a / });
        return false;
      },
    );
    t.equal(ours, theirs, mode.toString(8));
    seen.add(ours);
    const { file: own, resolve: again } = setUp(t, 'User x\n');
    chmodSync(own, mode);
    t.equal(
      await again().then(
        () => true,
        () => false,
      ),
      theirs,
      `the user's own file, ${mode.toString(8)}`,
    );
  }
  t.strictSame([...seen], [true, false]);
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
