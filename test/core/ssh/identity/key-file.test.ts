import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { parseKeyFile } from '../../../../src/core/ssh/identity/key-file.ts';
import { parsePublicKey } from '../../../../src/core/ssh/identity/public-key.ts';
import { makeTemp } from '../../../fixtures/temp.ts';

const kinds: readonly (readonly [string, string, readonly string[]])[] = [
  ['ed25519', '256', ['RFC4716']],
  ['ecdsa', '256', ['RFC4716', 'PEM', 'PKCS8']],
  ['ecdsa', '384', ['RFC4716', 'PEM', 'PKCS8']],
  ['ecdsa', '521', ['RFC4716', 'PEM', 'PKCS8']],
  ['rsa', '1024', ['RFC4716', 'PEM', 'PKCS8']],
  ['rsa', '3072', ['RFC4716', 'PEM', 'PKCS8']],
];

test('private keys of each type and form are read, whatever their line ends', (t) => {
  const dir = makeTemp(t, 'key');
  for (const [type, bits, forms] of kinds) {
    const file = join(dir, `${type}${bits}`);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-f', file]);
    const told = parsePublicKey(readFileSync(`${file}.pub`, 'utf8'));
    for (const form of forms) {
      const copy = `${file}-${form}`;
      copyFileSync(file, copy);
      execFileSync('ssh-keygen', ['-q', '-p', '-N', '', '-m', form, '-f', copy]);
      const text = readFileSync(copy, 'utf8');
      const variants = {
        'as it is': text,
        CRLF: text.replaceAll('\n', '\r\n'),
        'no final newline': text.trimEnd(),
        'CRLF without the last': text.replaceAll('\n', '\r\n').trimEnd(),
        'text before it': `a comment\n${text}`,
      };
      for (const [name, variant] of Object.entries(variants)) {
        const parsed = parseKeyFile(variant);
        const same = parsed.kind === 'private' && parsed.own.blob.equals(told?.blob ?? Buffer.alloc(0));
        t.ok(same, `${type} ${bits} ${form}, ${name}`);
        t.equal(parsed.told !== null, form === 'RFC4716', 'whether it tells its public key without being opened');
      }
    }
  }
  t.end();
});

test('keys that openssl wrote are read', (t) => {
  const make = (...words: readonly string[]) =>
    execFileSync('openssl', [...words], { encoding: 'utf8', stdio: 'pipe' });
  const made = {
    'ssh-ed25519': make('genpkey', '-algorithm', 'ed25519'),
    'ecdsa-sha2-nistp384': make('ecparam', '-name', 'secp384r1', '-genkey'),
    'ssh-rsa': make('genrsa', '2048'),
  };
  for (const [type, text] of Object.entries(made)) t.match(parseKeyFile(text), { kind: 'private', own: { type } });
  t.end();
});

test('key types that ssh does not know are named', (t) => {
  const make = (...words: readonly string[]) =>
    execFileSync('openssl', [...words], { encoding: 'utf8', stdio: 'pipe' });
  t.match(parseKeyFile(make('genpkey', '-algorithm', 'x25519')), { kind: 'unusable', why: /of the type "x25519"/ });
  t.match(parseKeyFile(make('ecparam', '-name', 'secp256k1', '-genkey')), {
    kind: 'unusable',
    why: /of the type "secp256k1"/,
  });
  t.end();
});

test('an OpenSSH key whose two halves differ is damaged', (t) => {
  const dir = makeTemp(t, 'key');
  const [a = '', b = ''] = ['a', 'b'].map((name) => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(dir, name)]);
    return readFileSync(join(dir, name), 'utf8');
  });
  const data = (text: string) => Buffer.from(text.replace(/-.*-\n/g, ''), 'base64');
  const half = 98;
  const mixed = Buffer.concat([data(a).subarray(0, half), data(b).subarray(half)]).toString('base64');
  const text = `-----BEGIN OPENSSH PRIVATE KEY-----\n${mixed}\n-----END OPENSSH PRIVATE KEY-----\n`;
  t.match(parseKeyFile(text), { kind: 'unusable', why: 'is damaged' });
  t.end();
});

test('a file that was cut anywhere is damaged, and never throws', (t) => {
  const dir = makeTemp(t, 'key');
  const file = join(dir, 'k');
  execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-N', '', '-f', file]);
  const base64 = readFileSync(file, 'utf8')
    .replace(/-.*-\n/g, '')
    .replaceAll('\n', '');
  for (let length = 0; length < base64.length - 8; length += 4) {
    const text = `-----BEGIN OPENSSH PRIVATE KEY-----\n${base64.slice(0, length)}\n-----END OPENSSH PRIVATE KEY-----\n`;
    const parsed = parseKeyFile(text);
    if (parsed.kind !== 'unusable') t.fail(`cut at ${length} it is ${parsed.kind}`);
  }
  t.pass('every cut was found');
  t.end();
});
