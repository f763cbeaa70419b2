import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { loadRevokedKeys } from '../../../../src/core/ssh/known-hosts/revoked-keys.ts';
import { startSshd } from '../../../fixtures/sshd.ts';
import { type KeyPair, makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { askSsh, askTowline, eachOf } from './both.ts';

const blobOf = (publicKey: string) => Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');

/** Makes a KRL of the lines of a KRL specification, or of public key files. */
function makeKrl(file: string, spec: string, ...more: readonly string[]): string {
  writeFileSync(`${file}.spec`, spec);
  execFileSync('ssh-keygen', ['-q', '-k', '-f', file, ...more, `${file}.spec`], { stdio: 'pipe' });
  return file;
}

type Answer = 'revoked' | 'not' | 'refused';

async function ours(file: string, { publicKey }: KeyPair): Promise<Answer> {
  try {
    const revoked = await loadRevokedKeys(file);
    return revoked.lineOf(blobOf(publicKey)) === null ? 'not' : 'revoked';
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'KNOWN_HOSTS_UNREADABLE' ? 'refused' : 'not';
  }
}

/** What ssh-keygen finds of a key in a KRL; it reads as ssh does. */
function theirs(file: string, pair: KeyPair): Answer {
  const { stdout } = spawnSync('ssh-keygen', ['-Q', '-f', file, `${pair.file}.pub`], { encoding: 'utf8' });
  return stdout.includes('REVOKED') ? 'revoked' : stdout.includes(': ok') ? 'not' : 'refused';
}

test('a revoked key, in a list or in a KRL, is refused as by ssh, and says where it is revoked', async (t) => {
  const sshd = await startSshd(t, { config: ['MaxStartups 100'] });
  const dir = makeTemp(t, 'krl');
  const [real = ''] = sshd.hostKeys;
  const known = join(dir, 'known_hosts');
  writeFileSync(known, `[127.0.0.1]:${sshd.port} ${real}\n`);
  const other = makeKeyPair(join(dir, 'other'));
  const host = join(dir, 'host.pub');
  writeFileSync(host, `${real}\n`);
  const list = (name: string, text: string) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  mkdirSync(join(dir, 'folder'));
  symlinkSync('/dev/null', join(dir, 'null'));
  const cases: readonly (readonly [string, string, 'in' | 'revoked', RegExp?])[] = [
    ['its key', list('1', `# gone\n\n ${real} a comment\n`), 'revoked', /is revoked at \S+\/1:3;/],
    ['its key, CRLF', list('2', `${other.publicKey}\r\n${real}\r\n`), 'revoked', /\/2:2;/],
    ['its key without an end', list('3', real), 'revoked', /\/3:1;/],
    ['another key', list('4', `${other.publicKey}\n`), 'in'],
    ['nothing', list('5', ''), 'in'],
    ['comments', list('6', '# x\n  # y\n'), 'in'],
    ['no key at all', list('7', 'x\n'), 'revoked', /every host key counts as revoked/],
    [
      'a broken line after another key',
      list('8', `${other.publicKey}\nssh-ed25519 !!\n`),
      'revoked',
      /8:2 is no public key/,
    ],
    ['a line of known_hosts', list('9', `host ${real}\n`), 'revoked', /9:1 is no public key/],
    ['/dev/null', '/dev/null', 'in'],
    ['a link to /dev/null', join(dir, 'null'), 'in'],
    ['a missing file', join(dir, 'missing'), 'revoked', /missing does not exist, so every host key counts as revoked/],
    ['a folder', join(dir, 'folder'), 'revoked', /folder is not a regular file/],
    ['a KRL with its key', makeKrl(join(dir, 'k1'), `key: ${real}\n`), 'revoked', /is revoked at \S+\/k1;/],
    ['a KRL with its SHA-1', makeKrl(join(dir, 'k2'), `sha1: ${real}\n`), 'revoked', /\/k2;/],
    ['a KRL with its SHA-256', makeKrl(join(dir, 'k3'), `sha256: ${real}\n`), 'revoked', /\/k3;/],
    ['a KRL with another key', makeKrl(join(dir, 'k4'), `key: ${other.publicKey}\nsha256: ${other.publicKey}\n`), 'in'],
    ['a KRL with nothing', makeKrl(join(dir, 'k5'), ''), 'in'],
    ['a KRL of certificates', makeKrl(join(dir, 'k6'), 'serial: 1-9\nid: x\n', '-s', `${other.file}.pub`), 'in'],
    ['a KRL that is cut off', list('k7', ''), 'revoked', /k7 is a KRL that cannot be used \(it ends too early\)/],
  ];
  writeFileSync(join(dir, 'k7'), readFileSync(join(dir, 'k3')).subarray(0, -1));
  await eachOf(cases, async ([name, revoked, outcome, message]) => {
    const checked = { checking: 'accept-new', files: [known], revoked } as const;
    t.equal(await askSsh(sshd, checked), outcome, `${name}: ssh`);
    const asked = await askTowline(sshd, checked);
    const closed = asked.fault?.code === 'KNOWN_HOSTS_UNREADABLE' ? 'revoked' : asked.outcome;
    t.equal(closed, outcome, `${name}: ours`);
    if (message !== undefined) t.match(asked.fault?.message, message, name);
  });
});

test('a KRL with every kind of section is read, and each cut of it, as ssh-keygen reads it', async (t) => {
  const dir = makeTemp(t, 'krl');
  const [a, b, c, d, ca] = [
    makeKeyPair(join(dir, 'a')),
    makeKeyPair(join(dir, 'b'), 'ecdsa'),
    makeKeyPair(join(dir, 'c'), 'rsa'),
    makeKeyPair(join(dir, 'd')),
    makeKeyPair(join(dir, 'ca')),
  ];
  const spec = `key: ${a.publicKey}\nsha1: ${b.publicKey}\nsha256: ${c.publicKey}\nserial: 1\nserial: 5-900\nserial: 1000\nserial: 1002\nserial: 1003\nid: one\nid: two\n`;
  const whole = makeKrl(join(dir, 'krl'), spec, '-s', `${ca.file}.pub`);
  const answers = await Promise.all([a, b, c, d, ca].map((pair) => ours(whole, pair)));
  t.strictSame(answers, ['revoked', 'revoked', 'revoked', 'not', 'not']);
  t.strictSame(
    [a, b, c, d, ca].map((pair) => theirs(whole, pair)),
    answers,
  );
  const data = readFileSync(whole);
  const seen = { revoked: 0, not: 0, refused: 0 };
  const file = join(dir, 'cut');
  for (let length = 8; length < data.length; length += 3) {
    writeFileSync(file, data.subarray(0, length));
    const [mine, oracle] = [await ours(file, c), theirs(file, c)];
    seen[mine] += 1;
    // What we refuse is trusted less than by ssh; never the other way round.
    t.equal(mine, oracle, `the first ${length} bytes`);
  }
  t.ok(seen.refused > 50, JSON.stringify(seen));
});

test('a KRL with one byte changed is never trusted more than by ssh-keygen', async (t) => {
  const dir = makeTemp(t, 'krl');
  const [a, b] = [makeKeyPair(join(dir, 'a')), makeKeyPair(join(dir, 'b'))];
  const data = readFileSync(
    makeKrl(join(dir, 'krl'), `key: ${a.publicKey}\nserial: 7\nid: x\n`, '-s', `${b.file}.pub`),
  );
  const file = join(dir, 'changed');
  let compared = 0;
  for (let at = 8; at < data.length; at += 2) {
    const changed = Buffer.from(data);
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    writeFileSync(file, changed);
    const [mine, oracle] = [await ours(file, a), theirs(file, a)];
    compared += 1;
    t.notOk(mine === 'not' && oracle !== 'not', `byte ${at}: ours ${mine}, ssh-keygen ${oracle}`);
    t.notOk(mine === 'revoked' && oracle === 'not', `byte ${at}: ours ${mine}, ssh-keygen ${oracle}`);
  }
  t.ok(compared > 80, `${compared} changes`);
});

test('a signed KRL and one with a section that is not known are refused with a sentence', async (t) => {
  const dir = makeTemp(t, 'krl');
  const { publicKey } = makeKeyPair(join(dir, 'a'));
  const data = readFileSync(makeKrl(join(dir, 'krl'), `key: ${publicKey}\n`));
  const section = (type: number) => Buffer.concat([data, Buffer.from([type, 0, 0, 0, 0])]);
  for (const [type, message] of [
    [4, /it is signed, and signatures of KRLs are not supported/],
    [9, /it has a section of the type 9, which is not known/],
    [255, /it has a section of the type 255/],
  ] as const) {
    writeFileSync(join(dir, 'more'), section(type));
    await t.rejects(loadRevokedKeys(join(dir, 'more')), { code: 'KNOWN_HOSTS_UNREADABLE', message });
  }
});
