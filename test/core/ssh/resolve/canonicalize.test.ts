import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { makeTemp } from '../../../fixtures/temp.ts';
import { MAIN } from '../../../fixtures/main-file.ts';

const server = new URL('../../../fixtures/dns-main.js', import.meta.url).pathname;

const records = {
  'web.a.example': '127.0.0.2',
  'web.b.example': '127.0.0.3',
  'db.b.example': '127.0.0.4',
  'alias.a.example': 'cname real.b.example',
  'real.b.example': '127.0.0.5',
  'deep.x.a.example': '127.0.0.6',
  bare: '127.0.0.7',
  short: 'cname real.b.example',
};

/** Lines of a config and the host to ask for. */
const cases: Readonly<Record<string, readonly [host: string, ...lines: readonly string[]]>> = {
  'the first domain that has the name': ['web', 'CanonicalizeHostname yes', 'CanonicalDomains a.example b.example'],
  'the second domain': [
    'db',
    'CanonicalizeHostname yes',
    'CanonicalDomains a.example b.example',
    'Host db.b.example',
    'User x',
  ],
  'no domain has it': ['nowhere', 'CanonicalizeHostname yes', 'CanonicalDomains a.example'],
  'no domain has it, and there is no fallback': [
    'nowhere',
    'CanonicalizeHostname yes',
    'CanonicalDomains a.example',
    'CanonicalizeFallbackLocal no',
  ],
  'too many dots': ['deep.x', 'CanonicalizeHostname yes', 'CanonicalDomains a.example', 'CanonicalizeMaxDots 0'],
  'dots enough': ['deep.x', 'CanonicalizeHostname yes', 'CanonicalDomains a.example'],
  'too many dots without a fallback': [
    'deep.x',
    'CanonicalizeHostname yes',
    'CanonicalDomains a.example',
    'CanonicalizeMaxDots 0',
    'CanonicalizeFallbackLocal no',
  ],
  'a name that ends with a dot': ['web.b.example.', 'CanonicalizeHostname yes', 'CanonicalDomains a.example'],
  'a permitted alias': [
    'alias',
    'CanonicalizeHostname yes',
    'CanonicalDomains a.example',
    'CanonicalizePermittedCNAMEs *.a.example:*.b.example',
  ],
  'an alias that is not permitted': [
    'alias',
    'CanonicalizeHostname yes',
    'CanonicalDomains a.example',
    'CanonicalizePermittedCNAMEs *.a.example:*.c.example',
  ],
  'an alias without canonical domains': [
    'short',
    'CanonicalizeHostname yes',
    'CanonicalizePermittedCNAMEs short:*.b.example',
  ],
  'an alias while canonical names are off': ['short', 'CanonicalizePermittedCNAMEs *:*'],
  'a jump host leaves the name to it': ['web', 'CanonicalizeHostname yes', 'CanonicalDomains a.example', 'ProxyJump j'],
  'always, even through a jump host': [
    'web',
    'CanonicalizeHostname always',
    'CanonicalDomains a.example',
    'ProxyJump j',
  ],
  'ProxyJump none counts as a jump host here': [
    'web',
    'CanonicalizeHostname yes',
    'CanonicalDomains a.example',
    'ProxyJump none',
  ],
  'a command leaves the name to it': [
    'web',
    'CanonicalizeHostname yes',
    'CanonicalDomains a.example',
    'ProxyCommand nc %h %p',
  ],
  'Match canonical after the fact': [
    'web',
    'CanonicalizeHostname yes',
    'CanonicalDomains a.example',
    'Match canonical host web.a.example',
    'Port 77',
    'CanonicalizeMaxDots 5',
  ],
  'Match final without a name found': [
    'nowhere',
    'CanonicalizeHostname yes',
    'CanonicalDomains a.example',
    'Match canonical',
    'Port 78',
  ],
  'only IPv6 is wanted, and there is none': [
    'web',
    'CanonicalizeHostname yes',
    'CanonicalDomains a.example',
    'AddressFamily inet6',
  ],
  'HostName comes first': ['x', 'HostName WEB', 'CanonicalizeHostname yes', 'CanonicalDomains a.example'],
  'domains none': ['web', 'CanonicalizeHostname yes', 'CanonicalDomains none'],
};

// One namespace for all: a network of its own whose only name server is ours.
test('canonical names are those of ssh -G, with a name server of our own', async (t) => {
  const dir = makeTemp(t, 'canonical');
  writeFileSync(join(dir, 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:2 attempts:1\n');
  writeFileSync(join(dir, 'nsswitch.conf'), 'hosts: files dns\npasswd: files\ngroup: files\nservices: files\n');
  const names = Object.keys(cases);
  for (const [index, name] of names.entries()) {
    const [, ...lines] = cases[name] ?? [''];
    writeFileSync(join(dir, `c${index}`), `${lines.join('\n')}\n`, { mode: 0o600 });
  }
  const asks = names.map((name, index) => {
    const [host] = cases[name] ?? [''];
    const files = `-F ${dir}/c${index}`;
    return `ssh -G ${files} ${host} >${dir}/theirs${index} 2>/dev/null || echo refused >${dir}/theirs${index}
      ${process.execPath} ${MAIN} explain ${host} ${files} --format ssh >${dir}/ours${index} 2>${dir}/why${index} || echo refused >${dir}/ours${index}`;
  });
  const script = `
    ip link set lo up && mount --bind ${dir}/resolv.conf /etc/resolv.conf || exit 9
    mount --bind ${dir}/nsswitch.conf /etc/nsswitch.conf || exit 9
    mkfifo ${dir}/ready && ${process.execPath} ${server} '${JSON.stringify(records)}' >${dir}/ready & server=$!
    while [ ! -p ${dir}/ready ]; do :; done
    read line <${dir}/ready
    ${asks.join('\n')}
    kill $server
    for i in $(seq 0 ${names.length - 1}); do echo "--- $i"; cat ${dir}/theirs$i; echo "--- $i"; cat ${dir}/ours$i; done`;
  const unshare = userInfo().uid === 0 ? ['--mount', '--net'] : ['--user', '--map-root-user', '--mount', '--net'];
  const printed = await new Promise<string>((resolve, reject) => {
    execFile('unshare', [...unshare, 'sh', '-c', script], { maxBuffer: 2 ** 26 }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
  });
  const parts = printed.split(/^--- \d+\n/m).slice(1);
  t.equal(parts.length, names.length * 2);
  const found = new Set<string>();
  for (const [index, name] of names.entries()) {
    const [theirs = '', ours = ''] = parts.slice(index * 2, index * 2 + 2);
    t.equal(ours, theirs, name);
    found.add(/^hostname (.*)$/m.exec(theirs)?.[1] ?? theirs.trim());
  }
  const expected = ['web.a.example', 'db.b.example', 'real.b.example', 'web.b.example', 'refused'];
  t.ok(
    expected.every((name) => found.has(name)),
    [...found].join(' '),
  );
});
