import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { expandProxyCommand, fdpassFault, type ProxyValues } from '../../../../src/core/ssh/resolve/proxy-command.ts';
import { resolveRoute } from '../../../../src/core/ssh/route.ts';
import { openTestLink } from '../../../fixtures/link.ts';
import { startSshd } from '../../../fixtures/sshd.ts';
import { makeTemp } from '../../../fixtures/temp.ts';

const values: ProxyValues = { hostName: '10.0.0.5', named: 'box', port: 2222, user: 'me', hostKeyAlias: null };
const expand = (text: string, over: Partial<ProxyValues> = {}) =>
  expandProxyCommand({ text, at: 'config:3' }, { ...values, ...over });

test('tokens are those of ssh, and what the environment holds is left to the shell', (t) => {
  t.equal(expand('nc %h %p'), 'nc 10.0.0.5 2222');
  t.equal(expand('x %n %r %k %%h 100%%'), 'x box me box %h 100%');
  t.equal(expand('x %k', { hostKeyAlias: 'cluster' }), 'x cluster');
  const variable = `$${'{HOME}'}`;
  t.equal(expand(`x ${variable} $HOME "%h"`), `x ${variable} $HOME "10.0.0.5"`);
  t.equal(expand('nc %h %p', { hostName: 'fe80::1%eth0' }), 'nc fe80::1%eth0 2222');
  for (const text of ['nc %Q', 'nc %', 'nc %d', 'nc %C', 'nc %i', 'nc %u']) {
    t.throws(
      () => expand(text),
      { code: 'SSH_CONFIG_INVALID', message: /^config:3: token "%.?" is not known here/ },
      text,
    );
  }
  t.throws(() => expand('way --token hunter2 %h\nid'), {
    code: 'SSH_CONFIG_INVALID',
    message: /^config:3: ProxyCommand: it has a control character; correct it$/,
  });
  t.match(fdpassFault('config:4'), {
    code: 'SSH_CONFIG_INVALID',
    message: /^config:4: ProxyUseFdpass yes is not supported/,
  });
  t.end();
});

const characters = [
  "'",
  '"',
  '`',
  '$',
  '\\',
  ';',
  '&',
  '<',
  '>',
  '|',
  '(',
  ')',
  '{',
  '}',
  ',',
  ' ',
  '\t',
  '\n',
  '\r',
  '\0',
  '\u001b',
  '*',
  '?',
  '[',
  '!',
];
// FAULTS: T01 to T05, as a host and as a user.
const hosts = [
  ...characters.map((character) => `a${character}b`),
  ...[
    '-oProxyCommand=touch x',
    'a$(id)',
    'a`id`',
    '',
    '.',
    '~root',
    '=x',
    '%h',
    '#x',
    'h\u202eevil',
    `${'a'.repeat(300)}`,
  ],
];
const users = [
  ...characters.map((character) => `u${character}id`),
  ...['u\nid', '$[+]\nid', 'u;id', '-x', 'u -o', 'u\\', '', 'u~x', 'u^x', 'u#x', 'a=b', '\ud800'],
];

test('a host or user that a shell could obey is refused before there is a command', (t) => {
  for (const hostName of hosts)
    t.throws(() => expand('nc %h %p', { hostName }), { code: 'HOST_INVALID' }, JSON.stringify(hostName));
  for (const named of hosts) t.throws(() => expand('nc %n', { named }), { code: 'HOST_INVALID' });
  for (const hostKeyAlias of hosts) t.throws(() => expand('nc %k', { hostKeyAlias }), { code: 'HOST_INVALID' });
  for (const user of users)
    t.throws(() => expand('nc -l %r', { user }), { code: 'HOST_INVALID' }, JSON.stringify(user));
  t.end();
});

test('what is let through reaches every shell as it is', (t) => {
  const all = Array.from({ length: 0x2000 }, (_, code) => String.fromCharCode(code));
  const passes = (over: Partial<ProxyValues>) => {
    try {
      return expand('%h%r', over) !== '';
    } catch {
      return false;
    }
  };
  const inHosts = all.filter((one) => passes({ hostName: `a${one}b` })).map((one) => `a${one}b`);
  const inUsers = all.filter((one) => passes({ user: `a${one}b` })).map((one) => `a${one}b`);
  t.ok(inHosts.length > 1_000 && inUsers.length > inHosts.length);
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  for (const shell of ['sh', 'bash', 'fish', 'tcsh']) {
    for (const words of [inHosts, inUsers]) {
      const texts = words.map((word) =>
        words === inHosts ? expand('%h', { hostName: word }) : expand('%r', { user: word }),
      );
      const printed = execFileSync(shell, ['-c', `exec printf '%s\\n' ${texts.join(' ')}`], { env, encoding: 'utf8' });
      t.same(printed.split('\n').slice(0, -1), words, shell);
    }
  }
  t.end();
});

test('no hostile ssh_config reaches a shell: the canary is never made', async (t) => {
  const dir = makeTemp(t, 'canary');
  const canary = join(dir, 'canary');
  const file = join(dir, 'config');
  const touches = [
    `;touch ${canary};`,
    `$(touch ${canary})`,
    `\`touch ${canary}\``,
    `|touch ${canary}`,
    `&touch ${canary}&`,
  ];
  const lines = touches.flatMap((text) => [
    `HostName "a${text}"`,
    `User "u${text}"`,
    `HostKeyAlias "k${text}"`,
    `ProxyJump u${text}@h`,
    `ProxyJump u@h${text}`,
  ]);
  const options = { sshConfig: file, home: dir, localUser: 'me', env: {} };
  for (const line of lines) {
    writeFileSync(file, `Host test\n  ${line}\n`, { mode: 0o600 });
    await t.rejects(
      resolveRoute('test', options).then((route) => route.map((host) => host.hostName)),
      { code: /^(?:HOST_INVALID|SSH_CONFIG_INVALID)$/ },
      line,
    );
  }
  // An ssh_config that is in order: else its own fault comes first.
  writeFileSync(file, '');
  for (const text of touches) await t.rejects(resolveRoute(`h${text}`, options), { code: 'HOST_INVALID' });
  t.same(readdirSync(dir), ['config']);
  // The same shell, asked in earnest, does make it: the canary can sing.
  const sshd = await startSshd(t);
  await t.rejects(openTestLink(t, sshd, { edit: () => ({ proxyCommand: `touch ${canary}` }) }), {
    code: 'PROXY_COMMAND_FAILED',
  });
  t.ok(existsSync(canary));
});
