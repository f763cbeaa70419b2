import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { test } from 'tap';
import { Fault } from '../../../../src/core/model/fault.ts';
import { type Decrypted, decryptKey } from '../../../../src/core/ssh/identity/decrypt.ts';
import { parseKeyFile } from '../../../../src/core/ssh/identity/key-file.ts';
import { publicHalf } from '../../../../src/core/ssh/identity/private-key.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { makeTemp } from '../../../fixtures/temp.ts';

const { signal } = new AbortController();
const secret = 'pässwörd with a ☃';
const ciphers = `3des-cbc aes128-cbc aes192-cbc aes256-cbc aes128-ctr aes192-ctr aes256-ctr aes128-gcm@openssh.com
  aes256-gcm@openssh.com chacha20-poly1305@openssh.com`.split(/\s+/);

const fingerprintOf = (decrypted: Decrypted) =>
  decrypted.kind === 'key' ? publicHalf(decrypted.key)?.fingerprint : decrypted.kind;

test('OpenSSH keys under every cipher of ssh-keygen are opened', async (t) => {
  const pair = makeKeyPair(join(makeTemp(t, 'key'), 'k'), 'ecdsa', secret);
  for (const cipher of ciphers) {
    const words = ['-q', '-p', '-P', secret, '-N', secret, '-Z', cipher, '-a', '2', '-f', pair.file];
    execFileSync('ssh-keygen', words);
    const text = readFileSync(pair.file, 'utf8');
    t.equal(parseKeyFile(text).kind, 'encrypted');
    t.equal(fingerprintOf(await decryptKey(text, secret, signal)), pair.fingerprint, cipher);
    t.equal(fingerprintOf(await decryptKey(text, 'wrong', signal)), 'wrong', `${cipher}, wrong passphrase`);
  }
});

test('PEM and PKCS#8 keys are opened', async (t) => {
  const dir = makeTemp(t, 'key');
  for (const type of ['rsa', 'ecdsa'] as const) {
    const pair = makeKeyPair(join(dir, type), type, secret);
    for (const form of ['PEM', 'PKCS8']) {
      const copy = `${pair.file}-${form}`;
      copyFileSync(pair.file, copy);
      execFileSync('ssh-keygen', ['-q', '-p', '-P', secret, '-N', secret, '-m', form, '-f', copy]);
      const text = readFileSync(copy, 'utf8').replaceAll('\n', '\r\n').trimEnd();
      t.equal(parseKeyFile(text).kind, 'encrypted');
      t.equal(fingerprintOf(await decryptKey(text, secret, signal)), pair.fingerprint, `${type} ${form}`);
      t.equal(fingerprintOf(await decryptKey(text, 'wrong', signal)), 'wrong');
    }
  }
});

test('an encrypted file that is of no use says why', async (t) => {
  const { file } = makeKeyPair(join(makeTemp(t, 'key'), 'k'), 'ed25519', secret);
  const data = Buffer.from(readFileSync(file, 'utf8').replace(/-.*-\n/g, ''), 'base64');
  const written = (bytes: Buffer) =>
    `-----BEGIN OPENSSH PRIVATE KEY-----\n${bytes.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
  const renamed = Buffer.from(data.toString('latin1').replace('aes256-ctr', 'aes999-ctr'), 'latin1');
  t.match(await decryptKey(written(renamed), secret, signal), {
    kind: 'unusable',
    why: /is encrypted with "aes999-ctr" and "bcrypt", which ssh does not know/,
  });
  t.match(await decryptKey(written(data.subarray(0, -16)), secret, signal), { kind: 'unusable', why: 'is damaged' });
});

test('decrypting ends with the signal, however many rounds are left, and leaves the event loop free', async (t) => {
  const { file } = makeKeyPair(join(makeTemp(t, 'key'), 'k'), 'ed25519', secret);
  const data = Buffer.from(readFileSync(file, 'utf8').replace(/-.*-\n/g, ''), 'base64');
  // The number of rounds stands behind a salt of 16 bytes: 2^31 of them are a year.
  const rounds = data.indexOf(Buffer.from([0, 0, 0, 16, 0, 0, 0, 1]));
  t.ok(rounds > 0, 'the rounds were found');
  data.writeUInt32BE(2 ** 31, rounds);
  const text = `-----BEGIN OPENSSH PRIVATE KEY-----\n${data.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
  const abort = new AbortController();
  const reason = new Fault('LINK_LOST', 'stopped');
  const begun = once(process, 'worker').then(([worker]: Worker[]) => worker && once(worker, 'online'));
  const decrypting = decryptKey(text, secret, abort.signal);
  const ended = t.rejects(decrypting, reason);
  await begun;
  // Decrypted in this thread it would not come so far in a year.
  for (let turns = 0; turns < 100; turns += 1) await turn();
  abort.abort(reason);
  await ended;
  await t.rejects(decryptKey(text, secret, abort.signal), reason, 'nor does it begin');
});
