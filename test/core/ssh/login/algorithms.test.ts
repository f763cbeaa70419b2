import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'tap';
import type { AlgorithmChoice } from '../../../../src/core/ssh/resolve/host-config.ts';
import { mismatchFault } from '../../../../src/core/ssh/login/algorithm-faults.ts';
import { knownAlgorithms, offerTo } from '../../../../src/core/ssh/login/algorithms.ts';
import { rsaBits } from '../../../../src/core/ssh/known-hosts/host-key-blob.ts';
import { readOffer } from '../../../../src/core/ssh/login/key-exchange-init.ts';
import { startEcho } from '../../../fixtures/backend.ts';
import { hop, hostConfig } from '../../../fixtures/host-config.ts';
import { openTestLink } from '../../../fixtures/link.ts';
import { addSettings, writeKnownHosts } from '../../../fixtures/sshd-client.ts';
import { startSshd } from '../../../fixtures/sshd.ts';

const unset: AlgorithmChoice = {
  kex: null,
  ciphers: null,
  macs: null,
  hostKeys: null,
  hostKeysVerbatim: false,
  inherited: [],
};

function offer(algorithms: Partial<AlgorithmChoice>, keyTypes: readonly string[] = []) {
  const knownHosts = { recognize: () => ({ kind: 'unknown' }) as const, keyTypes: () => keyTypes, warnings: [] };
  return offerTo(hop({ host: hostConfig({ algorithms: { ...unset, ...algorithms } }), knownHosts }));
}

test('every name that may be allowed is one that ssh2 has on this Node', (t) => {
  const constants: Readonly<Record<string, readonly string[]>> = createRequire(import.meta.url)(
    'ssh2/lib/protocol/constants.js',
  );
  const rows = {
    kex: 'SUPPORTED_KEX',
    hostKeys: 'SUPPORTED_SERVER_HOST_KEY',
    ciphers: 'SUPPORTED_CIPHER',
    macs: 'SUPPORTED_MAC',
  };
  for (const [list, name] of Object.entries(rows) as [keyof typeof rows, string][]) {
    t.ok(knownAlgorithms[list].length > 5);
    t.same(
      knownAlgorithms[list].filter((one) => !constants[name]?.includes(one)),
      [],
      list,
    );
  }
  t.end();
});

test('without a word in ssh_config chacha20 is offered last and nothing outdated at all', (t) => {
  const { kex, ciphers, macs, hostKeys, notes } = offer({});
  t.equal(ciphers.at(-1), 'chacha20-poly1305@openssh.com');
  t.notMatch([...kex, ...ciphers, ...macs, ...hostKeys].join(' '), /sha1|cbc|md5|ssh-rsa|ssh-dss/);
  t.same(notes, []);
  t.end();
});

test('lists of ssh_config are taken in their order; what ssh2 lacks is left out and named', (t) => {
  const { kex, ciphers, macs, notes } = offer({
    kex: ['sntrup761x25519-sha512@openssh.com', 'diffie-hellman-group14-sha1', 'curve25519-sha256'],
    ciphers: ['aes128-cbc', 'aes256-ctr'],
    macs: ['umac-64@openssh.com', 'hmac-sha1'],
  });
  t.same(kex, ['diffie-hellman-group14-sha1', 'curve25519-sha256']);
  t.same(ciphers, ['aes128-cbc', 'aes256-ctr']);
  t.same(macs, ['hmac-sha1']);
  t.equal(notes.length, 2);
  t.match(notes[0], /^KexAlgorithms of me@box:22 names .*: sntrup761x25519-sha512@openssh\.com$/);
  t.match(notes[1], /^MACs of .*: umac-64@openssh\.com$/);
  t.end();
});

test('what is left out is told, but for what nobody wrote', (t) => {
  const kex = ['sntrup761x25519-sha512', 'curve25519-sha256', 'diffie-hellman-group1-sha1'];
  t.match(offer({ kex }).notes, [/^KexAlgorithms of me@box:22 names what .* leaves out: sntrup761x25519-sha512$/]);
  t.strictSame(offer({ kex, inherited: kex.slice(0, 2) }).notes, []);
  t.end();
});

test('a list of which nothing is left is a fault that names its keyword', (t) => {
  const rows = [
    [{ kex: ['sntrup761x25519-sha512@openssh.com'] }, /^KexAlgorithms of me@box:22 leaves nothing/],
    [{ ciphers: ['aes128-gcm'] }, /^Ciphers of/],
    [{ macs: ['umac-64@openssh.com', 'umac-128@openssh.com'] }, /^MACs of .*umac-64@openssh\.com, umac-128/],
    [{ hostKeys: ['sk-ssh-ed25519@openssh.com'] }, /^HostKeyAlgorithms of/],
    [{ hostKeys: [] }, /^HostKeyAlgorithms of/],
  ] as const;
  for (const [list, message] of rows) t.throws(() => offer(list), { code: 'SSH_CONFIG_INVALID', message });
  t.end();
});

test('host keys are asked for in the order of ssh -G, as far as ssh2 has them', (t) => {
  const printed = execFileSync('ssh', ['-F', 'none', '-G', 'box'], { encoding: 'utf8' });
  const theirs = /^hostkeyalgorithms (.*)$/m.exec(printed)?.[1]?.split(',') ?? [];
  const { hostKeys } = offer({});
  t.equal(hostKeys.length, 6);
  t.strictSame(
    hostKeys,
    theirs.filter((name) => hostKeys.includes(name)),
  );
  t.end();
});

test('a host with an ECDSA and an RSA key shows to a stranger the one that ssh would write down', async (t) => {
  const sshd = await startSshd(t, { hostKeys: ['rsa', 'ecdsa'] });
  writeKnownHosts(sshd.knownHostsFile, sshd.port, []);
  await t.rejects(openTestLink(t, sshd), { code: 'HOST_KEY_UNKNOWN', detail: { type: 'ecdsa-sha2-nistp256' } });
  execFileSync(
    'ssh',
    ['-F', sshd.sshConfigFile, '-o', 'StrictHostKeyChecking=accept-new', '-o', 'BatchMode=yes', 'test', 'true'],
    {
      stdio: 'ignore',
    },
  );
  t.match(readFileSync(sshd.knownHostsFile, 'utf8'), / ecdsa-sha2-nistp256 /);
  await openTestLink(t, sshd);
});

test('known types come first, and only a list that was written out whole keeps its order', (t) => {
  t.same(offer({}, ['ssh-rsa']).hostKeys.slice(0, 3), ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519']);
  t.equal(offer({}, ['ecdsa-sha2-nistp384']).hostKeys[0], 'ecdsa-sha2-nistp384');
  const hostKeys = ['ssh-ed25519', 'rsa-sha2-256', 'ssh-rsa'];
  t.same(offer({ hostKeys }, ['ssh-rsa']).hostKeys, ['rsa-sha2-256', 'ssh-rsa', 'ssh-ed25519']);
  t.same(offer({ hostKeys, hostKeysVerbatim: true }, ['ssh-rsa']).hostKeys, hostKeys);
  t.end();
});

test('a host whose best key is known is offered what a stranger is offered: nobody on the way can tell them apart', (t) => {
  const stranger = offer({}).hostKeys;
  for (const known of [
    ['ssh-ed25519'],
    ['ssh-ed25519', 'ecdsa-sha2-nistp256'],
    ['ecdsa-sha2-nistp521', 'ssh-ed25519'],
  ]) {
    t.same(offer({}, known).hostKeys, stranger, known.join());
  }
  t.notSame(offer({}, ['ecdsa-sha2-nistp256']).hostKeys, stranger, 'another key has to be asked for');
  t.end();
});

const old = [
  ['kex', 'KexAlgorithms', 'diffie-hellman-group14-sha1', /key exchanges \(diffie-hellman-group14-sha1\)/],
  ['hostKeys', 'HostKeyAlgorithms', 'ssh-rsa', /host key algorithms \(ssh-rsa\)/],
  ['ciphers', 'Ciphers', 'aes128-cbc', /ciphers \(aes128-cbc\)/],
  ['macs', 'MACs', 'hmac-sha1', /MACs \(hmac-sha1\)/],
] as const;

for (const [list, keyword, name, offered] of old) {
  test(`a server with nothing but ${name} is refused by name, and let in with a warning where ${keyword} allows it`, async (t) => {
    // A cipher that checks integrity by itself needs no MAC.
    const config = [`${keyword} ${name}`, ...(list === 'macs' ? ['Ciphers aes256-ctr'] : [])];
    const sshd = await startSshd(t, { config, hostKeys: ['rsa'] });
    await t.rejects(openTestLink(t, sshd), {
      code: 'ALGORITHM_MISMATCH',
      message: new RegExp(
        `offers only outdated .*towline offers .*allow it with "${keyword} \\+${name}" for this host`,
      ),
    });
    await t.rejects(openTestLink(t, sshd), { message: offered });
    const echo = await startEcho(t);
    const notes: string[] = [];
    const algorithms = { ...unset, [list]: [...offer({})[list], name] };
    const link = await openTestLink(t, sshd, { edit: () => ({ algorithms }), notes });
    const channel = await link.dial(
      { kind: 'tcp', host: '127.0.0.1', port: echo.port },
      { address: '127.0.0.1', port: 1 },
    );
    channel.write('old but well');
    t.equal(String(await new Promise((resolve) => channel.once('data', resolve))), 'old but well');
    t.match(notes.join('\n'), new RegExp(`uses outdated algorithms that ssh_config allows \\(${name}\\)`));
  });
}

test('a server that is old throughout is told with all four lines at once, and is let in by them', async (t) => {
  const config = old.map(([, keyword, name]) => `${keyword} ${name}`);
  const sshd = await startSshd(t, { config, hostKeys: ['rsa'] });
  const fault: unknown = await openTestLink(t, sshd).catch((error: unknown) => error);
  const lines = [
    'KexAlgorithms +diffie-hellman-group14-sha1',
    'HostKeyAlgorithms +ssh-rsa',
    'Ciphers +aes128-cbc',
    'MACs +hmac-sha1',
  ];
  t.match(fault, {
    code: 'ALGORITHM_MISMATCH',
    message: `; update its sshd, or allow them with ${lines.map((line) => `"${line}"`).join(', ')} for this host in ssh_config`,
    detail: { keyword: 'KexAlgorithms, HostKeyAlgorithms, Ciphers, MACs' },
  });
  for (const [, , , offered] of old) t.match(fault, { message: offered });
  addSettings(sshd, ...lines);
  await openTestLink(t, sshd);
});

test('what ssh2 cannot do at all is said, beside the lines for the rest', (t) => {
  const ours = offer({});
  const server = {
    kex: ['sntrup761x25519-sha512'],
    hostKeys: ['ssh-dss'],
    ciphers: ['aes128-cbc'],
    macs: ['umac-64@openssh.com'],
  };
  const text = mismatchFault('box', server, ours)?.message;
  for (const part of [
    /^box offers only key exchanges \(sntrup761x25519-sha512\), towline offers .*; only outdated host key algorithms \(ssh-dss\)/,
    /; towline knows none of its key exchanges and MACs: update its sshd, or let it offer one of those, and allow the rest with "HostKey/,
    /"HostKeyAlgorithms \+ssh-dss", "Ciphers \+aes128-cbc" for this host in ssh_config$/,
  ]) {
    t.match(text, part);
  }
  t.end();
});

test('a MAC is asked for where the cipher needs one only, also where that has to be allowed first', (t) => {
  const ours = offer({ ciphers: ['aes256-ctr'] });
  const server = { kex: ours.kex, hostKeys: ours.hostKeys, macs: ['hmac-md5'] };
  const lines = (ciphers: readonly string[]) =>
    mismatchFault('box', { ...server, ciphers }, ours)?.message.match(/"[^"]*"/g);
  t.same(lines(['aes128-gcm@openssh.com']), ['"Ciphers +aes128-gcm@openssh.com"']);
  t.same(lines(['3des-cbc']), ['"Ciphers +3des-cbc"', '"MACs +hmac-md5"']);
  t.same(lines(['aes256-ctr']), ['"MACs +hmac-md5"']);
  t.equal(mismatchFault('box', { ...ours }, ours), null);
  t.end();
});

test('a server whose only key exchange is unknown to towline is named with what it offers', async (t) => {
  const sshd = await startSshd(t, { config: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'] });
  await t.rejects(openTestLink(t, sshd), {
    code: 'ALGORITHM_MISMATCH',
    message:
      /offers only key exchanges \(sntrup761x25519-sha512(?:@openssh\.com)?.*towline knows none of its key exchanges: update its sshd, or let it offer one of those$/,
  });
});

test('of several outdated ones the best is what a user is told to allow', async (t) => {
  const config = ['KexAlgorithms diffie-hellman-group1-sha1,diffie-hellman-group14-sha1'];
  const sshd = await startSshd(t, { config });
  await t.rejects(openTestLink(t, sshd), { message: /allow it with "KexAlgorithms \+diffie-hellman-group14-sha1"/ });
});

test('an RSA host key below RequiredRSASize is refused, known or not', async (t) => {
  const sshd = await startSshd(t, { hostKeys: ['rsa'] });
  await openTestLink(t, sshd, { edit: () => ({ requiredRsaSize: 2048 }) });
  await t.rejects(openTestLink(t, sshd, { edit: () => ({ requiredRsaSize: 2049 }) }), {
    code: 'HOST_KEY_WEAK',
    message: /is an RSA key of 2048 bits, and RequiredRSASize is 2049/,
  });
  t.equal(rsaBits(Buffer.from(sshd.hostKeys[0]?.split(' ')[1] ?? '', 'base64')), 2048);
  t.equal(rsaBits(Buffer.from('no key')), null);
});

test('what is no KEXINIT, or only half of one, is read for what it is', (t) => {
  const list = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
  const lists = ['k1,k2', 'h', 'cs', 'sc', 'm', 'ms'].map(list);
  const packet = (payload: Buffer) => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(1 + payload.length + 4);
    head[4] = 4;
    return Buffer.concat([head, payload, Buffer.alloc(4)]);
  };
  const init = packet(Buffer.concat([Buffer.from([20]), Buffer.alloc(16), ...lists, Buffer.alloc(20)]));
  const offered = { kex: ['k1', 'k2'], hostKeys: ['h'], ciphers: ['cs'], macs: ['m'] };
  t.same(readOffer(init), offered);
  t.same(readOffer(Buffer.concat([packet(Buffer.from([2, 0, 0, 0, 0])), init])), offered, 'after an IGNORE');
  for (let at = 0; at < init.length; at += 1) t.equal(readOffer(init.subarray(0, at)), undefined);
  t.equal(readOffer(Buffer.alloc(100, 0xff)), null, 'an absurd length');
  t.equal(readOffer(packet(Buffer.concat([Buffer.from([20]), Buffer.alloc(16), Buffer.alloc(4, 0x7f)]))), null);
  t.end();
});
