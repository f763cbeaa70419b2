import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { Fault } from '../../../../src/core/model/fault.ts';
import { detectHosts, type Detected } from '../../../../src/core/ssh/hosts/detect.ts';
import { readManyHosts } from '../../../../src/core/ssh/hosts/many-hosts.ts';
import type { HostConfig } from '../../../../src/core/ssh/resolve/host-config.ts';
import { hostConfig } from '../../../fixtures/host-config.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { makeTemp, type Owner } from '../../../fixtures/temp.ts';
import { waitUntil } from '../../../fixtures/wait.ts';

/** A home folder with these files below `.ssh`, and a public key to write into known_hosts. */
function makeHome(t: Owner, files: Readonly<Record<string, string>>): { readonly home: string; readonly ssh: string } {
  const home = makeTemp(t, 'hosts');
  const ssh = join(home, '.ssh');
  mkdirSync(join(ssh, 'conf.d'), { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(ssh, name), text, { mode: 0o600 });
  return { home, ssh };
}

/** Detects with the real resolver, reading no system file. */
async function detect(home: string): Promise<Detected> {
  const sshConfig = join(home, '.ssh/config');
  return detectHosts(await readManyHosts({ sshConfig, home, localUser: 'me', env: { HOME: home } }));
}

function namesOf({ hosts }: Detected): readonly string[] {
  return hosts.map(({ name }) => name);
}

function keyOf(t: Owner): string {
  const dir = makeTemp(t, 'key');
  makeKeyPair(join(dir, 'key'));
  return execFileSync('ssh-keygen', ['-y', '-f', join(dir, 'key')], { encoding: 'utf8' })
    .split(' ')
    .slice(0, 2)
    .join(' ')
    .trim();
}

test('names come from Host lines in every file that is included, in order and once', async (t) => {
  const { home } = makeHome(t, {
    config: [
      'Host one two "three four" \'five\'',
      'host = SIX',
      'Host *.pattern ?x !never',
      'Host eight *.corp !eight.corp !nine nine',
      'Match host seven',
      '  User x',
      'Match all',
      'Include conf.d/*.conf missing/*',
      'Host one # again',
      '',
    ].join('\n'),
    'conf.d/b.conf': 'Include conf.d/deep\r\nHost from-b\r\n  User b\r\n',
    'conf.d/a.conf': 'Host from-a\n',
    'conf.d/deep': '\tHost\tdeep\n',
    'conf.d/skipped': 'Host skipped\n',
  });
  const found = await detect(home);
  t.strictSame(namesOf(found), ['one', 'two', 'three four', 'five', 'SIX', 'eight', 'from-a', 'deep', 'from-b']);
  t.strictSame(found.hosts[0]?.places, [`${home}/.ssh/config:1`, `${home}/.ssh/config:9`]);
  t.strictSame(found.hosts[7]?.places, [`${home}/.ssh/conf.d/deep:1`]);
  t.match(
    found.hosts[2],
    { reaches: { code: 'HOST_INVALID' } },
    'a name that ssh would not take is listed with its reason',
  );
});

test('a file that is included for other hosts only declares none but those', async (t) => {
  const { home } = makeHome(t, {
    config: 'Host *.work\n  Include conf.d/work\nHost x\n',
    'conf.d/work': 'Host a.work\nHost b.home\n',
  });
  t.strictSame(namesOf(await detect(home)), ['a.work', 'x']);
});

test('each host says where ssh would connect, through which hosts, and whether its key is known', async (t) => {
  const key = keyOf(t);
  const { home, ssh } = makeHome(t, {
    config: [
      'Host box',
      '  HostName 10.0.0.7',
      '  User ml',
      '  Port 2222',
      'Host inner',
      '  HostName inner.example',
      '  ProxyJump jump',
      'Host jump',
      '  HostName ::1',
      '  ProxyJump first@gate:23',
      'Host named',
      '  HostKeyAlias the-key',
      '  Port 99',
      'Host round',
      '  ProxyJump round2',
      'Host round2',
      '  ProxyJump round',
      '',
    ].join('\n'),
    known_hosts: [
      `[10.0.0.7]:2222 ${key}`,
      `the-key ${key}`,
      `*.example,!other.example ${key}`,
      `@cert-authority ::1 ${key}`,
      `@revoked gate,revoked.example ${key}`,
      `plain,10.1.2.3 ${key}`,
      `[odd]:23,[::2]:24 ${key}`,
      '# comment',
      'broken line',
      '',
    ].join('\n'),
  });
  const found = await detect(home);
  const by = new Map(found.hosts.map((host) => [host.name, host]));
  t.match(by.get('box'), {
    reaches: { address: 'ml@10.0.0.7:2222', through: [] },
    key: { state: 'known', types: ['ssh-ed25519'] },
  });
  t.strictSame(by.get('box')?.places, [`${ssh}/config:1`, `${ssh}/known_hosts:1`], 'known_hosts has it by its address');
  t.match(by.get('inner'), {
    reaches: {
      address: 'me@inner.example:22',
      through: ['first@gate:23', 'me@[::1]:22'],
      via: ['first@gate:23', 'jump'],
    },
    key: { state: 'known' },
  });
  t.match(by.get('jump'), { key: { state: 'authority' } });
  t.match(by.get('named'), { reaches: { address: 'me@named:99' }, key: { state: 'known' } });
  t.match(by.get('round'), { reaches: { code: 'SSH_CONFIG_INVALID', message: /remove the loop/ } });
  t.match(by.get('plain'), { source: 'known_hosts', host: 'plain', key: { state: 'known' } });
  t.match(by.get('10.1.2.3'), { source: 'known_hosts' });
  t.match(by.get('[odd]:23'), { host: 'odd:23', reaches: { address: 'me@odd:23' }, key: { state: 'known' } });
  t.match(by.get('[::2]:24'), { host: '[::2]:24', reaches: { address: 'me@[::2]:24' } });
  t.strictSame(
    [...by.keys()].slice(6),
    ['plain', '10.1.2.3', '[odd]:23', '[::2]:24'],
    'no pattern, no revoked name, and nothing that an alias stands for',
  );
});

test('hashed entries are counted, and found by the hosts that they are of', async (t) => {
  const key = keyOf(t);
  const { home, ssh } = makeHome(t, {
    config: 'Host box\n  HostName box.example\n  Port 2222\nHost other\n',
    known_hosts: `[box.example]:2222 ${key}\nnobody.example ${key}\n`,
  });
  execFileSync('ssh-keygen', ['-q', '-H', '-f', join(ssh, 'known_hosts')], { stdio: 'ignore' });
  appendFileSync(join(ssh, 'known_hosts'), `plain ${key}\n`);
  const found = await detect(home);
  t.equal(found.hashed, 2);
  t.strictSame(
    found.hosts.map(({ name, key: { state } }) => [name, state]),
    [
      ['box', 'known'],
      ['other', 'none'],
      ['plain', 'known'],
    ],
  );
});

test('a known_hosts file that cannot be read is said, and the others count', async (t) => {
  const { home, ssh } = makeHome(t, { config: 'Host a\n', known_hosts2: `plain ${keyOf(t)}\n` });
  mkdirSync(join(ssh, 'known_hosts'));
  const found = await detect(home);
  t.match(found.troubles, [/known_hosts cannot be read/]);
  t.strictSame(namesOf(found), ['a', 'plain']);
});

test('without ssh_config there are the hosts of known_hosts', async (t) => {
  const { home } = makeHome(t, { config: '', known_hosts: `plain ${keyOf(t)}\n` });
  t.strictSame(namesOf(await detect(home)), ['plain']);
});

test('two thousand hosts: each is asked for once, and the comparisons of hashed entries have an end', async (t) => {
  const key = keyOf(t);
  const [, , , hash = ''] = '|1|JfKTdBh7rNbXkVAQCRp4OQoPfmI=|USECr3SWf1JUPsms5AqfD5QfxkM='.split('|');
  const { home, ssh } = makeHome(t, {
    config: Array.from(
      { length: 2_000 },
      (_, i) => `Host h${i}\n  HostName 10.0.${i >> 8}.${i & 255}\n  ProxyJump h0\n`,
    ).join(''),
    known_hosts: `${`|1|JfKTdBh7rNbXkVAQCRp4OQoPfmI=|${hash} ${key}\n`.repeat(1_000)}10.0.7.207 ${key}\n`,
  });
  const asked = new Map<string, number>();
  const resolve = async (host: string): Promise<HostConfig> => {
    asked.set(host, (asked.get(host) ?? 0) + 1);
    if (host === 'h7') throw new Fault('HOST_INVALID', 'not h7');
    const number = Number(host.slice(1));
    const jump = number > 0 ? ['h0'] : [];
    const hostName = Number.isNaN(number) ? host : `10.0.${number >> 8}.${number & 255}`;
    return hostConfig({ alias: host, hostName, proxyJump: jump, knownHostsFiles: [join(ssh, 'known_hosts')] });
  };
  const start = performance.now();
  const { roots } = await readManyHosts({ sshConfig: join(ssh, 'config'), home, localUser: 'me', env: {} });
  const found = await detectHosts({ roots, resolve });
  t.comment(`2,000 hosts, 1,000 hashed entries: ${Math.round(performance.now() - start)} ms without resolving`);
  t.equal(found.hosts.length, 2_000);
  t.strictSame(
    [...asked.values()].filter((times) => times !== 1),
    [],
  );
  t.match(found.hosts[7], { reaches: { code: 'HOST_INVALID' } });
  t.match(found.hosts[1_999], { name: 'h1999', key: { state: 'known' } }, 'a plain name needs no comparison');
  const unsearched = found.hosts.filter(({ key: { state } }) => state === 'unsearched').length;
  t.equal(unsearched, 2_000 - 200 - 1 - 1, 'the first 200 were compared with all 1,000');
});

test('canonical names are asked for eight at once, and the hosts stay in their order', async (t) => {
  const aliases = Array.from({ length: 20 }, (_, i) => `h${i}`);
  const { home, ssh } = makeHome(t, {
    config: `CanonicalizeHostname yes\nCanonicalDomains corp\nHost ${aliases.join(' ')}\n`,
    known_hosts: `zeta,alpha ${keyOf(t)}\n`,
  });
  const waiting: (() => void)[] = [];
  let [most, asked] = [0, 0];
  const names = {
    exists: (name: string) =>
      new Promise<boolean>((resolve) => {
        asked += 1;
        waiting.push(() => resolve(name !== 'h3.corp.'));
        most = Math.max(most, waiting.length);
      }),
    canonical: async () => null,
  };
  const detecting = readManyHosts({ sshConfig: join(ssh, 'config'), home, localUser: 'me', env: {}, names }).then(
    detectHosts,
  );
  await waitUntil('eight wait', () => waiting.length === 8);
  let done = false;
  void detecting.finally(() => {
    done = true;
  });
  await waitUntil('all are answered, the last one first', () => {
    waiting.pop()?.();
    return done;
  });
  t.equal(most, 8);
  t.equal(asked, 23, 'localhost, twenty aliases, two of known_hosts');
  const { hosts } = await detecting;
  t.strictSame(
    hosts.map(({ name }) => name),
    [...aliases, 'zeta', 'alpha'],
  );
  t.match(hosts[3], { reaches: { address: 'me@h3:22' } });
  t.match(hosts[4], { reaches: { address: 'me@h4.corp:22' } });
  t.match(hosts.at(-1), { reaches: { address: 'me@alpha.corp:22' } });
});

test('a command of ssh_config is run once for all hosts that it does not tell apart', async (t) => {
  const { home, ssh } = makeHome(t, {});
  const [all, each] = [join(ssh, 'all'), join(ssh, 'each')];
  writeFileSync(
    join(ssh, 'config'),
    `Host a b c\nMatch exec "echo x >> ${all}"\n  Port 7\nMatch exec "echo %n >> ${each}"\n  User u\n`,
    { mode: 0o600 },
  );
  const { hosts } = await detect(home);
  t.match(hosts, [
    { reaches: { address: 'u@a:7' } },
    { reaches: { address: 'u@b:7' } },
    { reaches: { address: 'u@c:7' } },
  ]);
  t.equal(readFileSync(all, 'utf8'), 'x\n');
  t.strictSame(readFileSync(each, 'utf8').trim().split('\n').sort(), ['a', 'b', 'c', 'localhost']);
});
