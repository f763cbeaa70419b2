import type { Case } from './oracle-cases.ts';

/** A generator of numbers in [0, 1) that gives the same ones for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const hosts = ['h', 'web', 'db.example', 'a.b.c', '10.0.0.7', '::1', 'u@h', 'WEB', 'q@web'];
const patterns = [
  '*',
  'h',
  'web',
  '!h',
  '!web',
  'db.*',
  '*.example',
  '?',
  '???',
  'w*b',
  '10.*',
  '*b*',
  'H',
  '!*.example',
  'u',
];
const flags = ['yes', 'no', 'true', 'false', 'YES', 'No'];
const settings: readonly (readonly [string, readonly string[]])[] = [
  ['HostName', ['r', '%h.example', 'REAL.Example', '127.1', '%%', '::0:1', 'web']],
  ['User', ['x', 'me', 'a.b', '"u"']],
  ['Port', ['22', '2222', '+8022', 'ssh', '65535']],
  ['IdentityFile', ['~/.ssh/id_a', '/k/%h', 'none', 'rel', '"/a b"', '~/.ssh/id_a']],
  ['CertificateFile', ['~/.ssh/c', '/c2']],
  ['IdentitiesOnly', flags],
  ['IdentityAgent', ['none', 'SSH_AUTH_SOCK', '~/a', '/s/%r']],
  ['UserKnownHostsFile', ['~/.ssh/kh', '/a /b', 'none', '/k-%h']],
  ['GlobalKnownHostsFile', ['/g', 'none']],
  ['HostKeyAlias', ['al', 'ALIAS']],
  ['StrictHostKeyChecking', ['yes', 'no', 'ask', 'off', 'accept-new']],
  ['HashKnownHosts', flags],
  ['ProxyJump', ['j', 'none', 'a,b', 'u@j:22', '[::1]:23', 'h', 'ssh://j:9']],
  ['ProxyCommand', ['none', 'nc %h %p', `sh -c 'nc %h %p'`, 'x # y']],
  ['ServerAliveInterval', ['0', '5', '1m', 'none', '2h3s']],
  ['ServerAliveCountMax', ['0', '1', '9']],
  ['ConnectTimeout', ['3', 'none', '1m']],
  ['Compression', ['yes', 'no']],
  ['ForwardAgent', [...flags, '/sock', '$SSH_AUTH_SOCK']],
  ['ControlMaster', ['auto', 'no', 'ask']],
  ['ControlPath', ['~/.ssh/cm-%C', 'none', '/c/%r@%h:%p']],
  ['ControlPersist', ['yes', '10m', 'no']],
  ['LocalForward', ['8080 h:80', '127.0.0.1:81 [::1]:82', '/s1 /s2', '90 /s3']],
  ['RemoteForward', ['8080 h:80', '1080', '0 h:1']],
  ['DynamicForward', ['1080', 'localhost:1081']],
  ['ClearAllForwardings', flags],
  ['SendEnv', ['LANG', 'LC_*', '-LC_*', 'A B', '-*']],
  ['SetEnv', ['A=1', 'B="x y" C=3']],
  ['Ciphers', ['aes128-ctr', '+3des-cbc', '^aes256-ctr', '-aes*', 'rot13']],
  ['MACs', ['-*etm*', '+hmac-md5', 'hmac-sha2-256']],
  ['KexAlgorithms', ['-sntrup*', '^curve25519-sha256', '+diffie-hellman-group1-sha1']],
  ['HostKeyAlgorithms', ['ssh-ed25519', '+ssh-rsa', '-*cert*', 'ecdsa*', 'zz*']],
  ['PubkeyAcceptedAlgorithms', ['+ssh-rsa', '^rsa-sha2-512', '-sk-*']],
  ['CASignatureAlgorithms', ['ssh-ed25519', '-rsa*']],
  ['PubkeyAuthentication', [...flags, 'unbound', 'host-bound']],
  ['PasswordAuthentication', flags],
  ['PreferredAuthentications', ['publickey', 'keyboard-interactive,password']],
  ['BatchMode', flags],
  ['LogLevel', ['QUIET', 'debug2', 'info', 'Error']],
  ['SyslogFacility', ['USER', 'local1']],
  ['RekeyLimit', ['1G', '500M 1h', 'default none', '1.25K']],
  ['AddKeysToAgent', ['yes', 'ask', 'confirm 5m', '1h']],
  ['UpdateHostKeys', ['yes', 'no', 'ask']],
  ['VerifyHostKeyDNS', ['yes', 'ask']],
  ['AddressFamily', ['any', 'inet', 'inet6']],
  ['RequestTTY', ['yes', 'force', 'auto', 'no']],
  ['Tunnel', ['yes', 'no', 'ethernet']],
  ['TunnelDevice', ['1:2', 'any', 'any:3']],
  ['IPQoS', ['af21 cs1', 'none', '0x20']],
  ['EscapeChar', ['none', '^A', '!']],
  ['StreamLocalBindMask', ['077', '0177']],
  ['CanonicalDomains', ['example.com', 'none', 'A.example b.example']],
  ['CanonicalizeMaxDots', ['0', '2']],
  ['CanonicalizeFallbackLocal', ['yes']],
  ['PermitRemoteOpen', ['any', 'h:1 i:*', 'none']],
  ['NumberOfPasswordPrompts', ['1', '5']],
  ['RequiredRSASize', ['2048']],
  ['RemoteCommand', ['tmux', 'none', 'echo %h']],
  ['LocalCommand', ['echo %n', 'none']],
  ['RevokedHostKeys', ['/r', 'none']],
  ['IgnoreUnknown', ['Odd*', 'none']],
  ['OddThing', ['1']],
  ['FingerprintHash', ['md5', 'sha256']],
  ['GSSAPIAuthentication', flags],
  ['LogVerbose', ['a b', 'none']],
  ['ConnectionAttempts', ['1', '2']],
  ['PermitLocalCommand', flags],
];
const conditions = ['host', 'originalhost', 'user', 'localuser'] as const;
const subjects = ['h', 'web', '*', 'x', 'u,x', '!h,*', '*.example', 'root', 'r', 'nobody'];

/** So many configs with the host to ask each for; the same for the same seed. */
export function randomCases(seed: number, count: number): readonly Case[] {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => {
    const found = from[Math.floor(random() * from.length)];
    if (found === undefined) throw new Error('nothing to pick from');
    return found;
  };
  const some = <T>(most: number, make: () => T): readonly T[] =>
    Array.from({ length: Math.floor(random() * (most + 1)) }, make);

  const setting = (): string => {
    const [keyword, values] = pick(settings);
    const name = random() < 0.2 ? keyword.toLowerCase() : random() < 0.1 ? keyword.toUpperCase() : keyword;
    const between = pick([' ', ' ', ' ', '=', ' = ', '\t', '  ']);
    const after = pick(['', '', '', '', ' ', '\t', '\r', ' # note']);
    return `${pick(['', ' ', '\t', '    '])}${name}${between}${pick(values)}${after}`;
  };
  const match = (): string => {
    const words = some(2, () => `${pick(['', '', '!'])}${pick(conditions)} ${pick(['', '"'])}`).map((word) => {
      const subject = pick(subjects);
      return word.endsWith('"') ? `${word}${subject}"` : `${word}${subject}`;
    });
    const passes = random() < 0.3 ? [pick(['final', 'canonical', '!final', '!canonical'])] : [];
    const exec =
      random() < 0.1 ? [pick(['exec true', '!exec false', 'exec "test %h = r"', 'exec "test %p = 22"'])] : [];
    const all = [...passes, ...words, ...exec];
    return `Match ${all.length === 0 ? 'all' : all.join(' ')}`;
  };
  const block = (includes: readonly string[]): readonly string[] => {
    const choice = random();
    const head =
      choice < 0.55
        ? `Host ${[pick(patterns), ...some(2, () => pick(patterns))].join(' ')}`
        : choice < 0.85
          ? match()
          : includes.length > 0
            ? `Include dir/${pick(includes)}`
            : '# nothing';
    return [head, ...some(5, setting), ...(random() < 0.2 ? ['', '# comment'] : [])];
  };
  const file = (includes: readonly string[]): string =>
    `${[...some(3, setting), ...some(5, () => block(includes)).flat()].join('\n')}${pick(['\n', '\n', ''])}`;

  return Array.from({ length: count }, (): Case => {
    const files: Record<string, string> = random() < 0.4 ? { inc1: file([]), inc2: file([]) } : {};
    return { config: file([...Object.keys(files), 'inc*', 'missing']), host: pick(hosts), files };
  });
}
