import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { Fault } from '../../../../src/core/model/fault.ts';
import { Passphrases } from '../../../../src/core/ssh/login/passphrases.ts';
import { openTestLink } from '../../../fixtures/link.ts';
import { type KeyPair, makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { startSshd } from '../../../fixtures/sshd.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { answers, identitiesOf, logIn } from './log-in.ts';

const secret = 'correct horse';

/** Rewrites a key in another form, under the same passphrase. */
function convert({ file }: KeyPair, ...options: readonly string[]): void {
  execFileSync('ssh-keygen', ['-q', '-p', '-P', secret, '-N', secret, ...options, '-f', file]);
}

test('an encrypted key in each form logs in, after one question', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'id');
  for (const type of ['ed25519', 'rsa', 'ecdsa'] as const) {
    const pair = makeKeyPair(join(dir, type), type, secret);
    sshd.allowKey(pair.publicKey);
    for (const form of type === 'ed25519' ? ['RFC4716'] : ['RFC4716', 'PEM', 'PKCS8']) {
      convert(pair, '-m', form);
      const { ask, asked } = answers(secret);
      const result = await logIn(sshd, await identitiesOf(sshd, [`IdentityFile ${pair.file}`], null), { ask });
      t.match(result, { entered: true, errors: [], unsigned: null, ended: null }, `${type} ${form}`);
      t.strictSame(asked, [
        {
          kind: 'passphrase',
          about: pair.fingerprint,
          where: `${sshd.user}@box:22`,
          text: `the passphrase for key ${pair.file}`,
          prompts: [{ text: `Enter passphrase for key '${pair.file}': `, echo: false }],
          again: false,
        },
      ]);
    }
  }
});

test('nobody is asked for the passphrase of a key that the server does not want', async (t) => {
  const sshd = await startSshd(t);
  const pair = makeKeyPair(join(makeTemp(t, 'id'), 'k'), 'ed25519', secret);
  const { ask, asked } = answers(secret);
  const lines = [`IdentityFile ${pair.file}`, `IdentityFile ${sshd.keyFile}`];
  t.match(await logIn(sshd, await identitiesOf(sshd, lines, null), { ask }), { entered: true, offered: { length: 2 } });
  t.strictSame(asked, []);
});

test('a key that tells no public half has its passphrase asked for first, as by ssh', async (t) => {
  const sshd = await startSshd(t);
  const pair = makeKeyPair(join(makeTemp(t, 'id'), 'k'), 'rsa', secret);
  convert(pair, '-m', 'PEM');
  rmSync(`${pair.file}.pub`);
  const lines = [`IdentityFile ${pair.file}`];
  const before = answers(secret);
  const refused = await logIn(sshd, await identitiesOf(sshd, lines, null), { ask: before.ask });
  t.match(refused, { entered: false, offered: [`ssh-rsa ${pair.fingerprint} (${pair.file})`] });
  t.match(before.asked, [{ about: pair.file }]);
  sshd.allowKey(pair.publicKey);
  const { ask } = answers(secret);
  t.match(await logIn(sshd, await identitiesOf(sshd, lines, null), { ask }), { entered: true });
});

test('a wrong passphrase is asked for again, and after so many the key is left', async (t) => {
  const sshd = await startSshd(t);
  const pair = makeKeyPair(join(makeTemp(t, 'id'), 'k'), 'ed25519', secret);
  sshd.allowKey(pair.publicKey);
  const lines = [`IdentityFile ${pair.file}`];
  const second = answers('wrong', secret);
  t.match(await logIn(sshd, await identitiesOf(sshd, lines, null), { ask: second.ask }), { entered: true });
  t.match(second.asked, [{ again: false }, { again: true }]);

  const never = answers('a', 'b', 'c', secret);
  const host = { passwordPrompts: 2 };
  const result = await logIn(sshd, await identitiesOf(sshd, lines, null), { ask: never.ask, host });
  t.match(never.asked, [{ again: false }, { again: true }]);
  t.equal(never.asked.length, 2);
  t.match(result, {
    entered: false,
    ended: null,
    unsigned: {
      code: 'NEEDS_ANSWER',
      message: /the passphrase for key .*k was wrong 2 times; .*ssh-add/,
      detail: { kind: 'passphrase', about: pair.fingerprint },
    },
  });
  const next = answers('a', 'b');
  const both = await identitiesOf(sshd, [...lines, `IdentityFile ${sshd.keyFile}`], null);
  t.match(await logIn(sshd, both, { ask: next.ask, host }), { entered: true }, 'the next key has its turn');
});

test('no answer at all leaves a key out, and nobody to answer ends the login', async (t) => {
  const sshd = await startSshd(t);
  const pair = makeKeyPair(join(makeTemp(t, 'id'), 'k'), 'ed25519', secret);
  sshd.allowKey(pair.publicKey);
  const loaded = await identitiesOf(sshd, [`IdentityFile ${pair.file}`, `IdentityFile ${sshd.keyFile}`], null);
  const empty = await logIn(sshd, loaded, { ask: answers('').ask });
  t.match(empty, {
    entered: true,
    unsigned: { code: 'NEEDS_ANSWER', message: /the passphrase for key .*k was not given/ },
  });

  const fault = new Fault('NEEDS_ANSWER', 'nobody is there');
  const ended = await logIn(sshd, loaded, { ask: () => Promise.reject(fault) });
  t.match(ended, { entered: false, offered: { length: 1 } }, 'the next key is not tried');
  t.equal(ended.ended, fault);
  t.strictSame(ended.rejected, [], 'the server would have taken it');
});

test('the command that is advised for a key can be pasted, whatever its path', async (t) => {
  const pair = makeKeyPair(join(makeTemp(t, 'my keys'), 'k'), 'ed25519', secret);
  const passphrases = new Passphrases({
    ask: answers('').ask,
    where: 'box',
    tries: 3,
    decrypting: (_path, work) => work,
  });
  const file = { kind: 'locked', path: pair.file, text: readFileSync(pair.file, 'utf8') } as const;
  const fault = await passphrases.open(file, pair.fingerprint, new AbortController().signal);
  t.match(fault, { code: 'NEEDS_ANSWER', message: new RegExp(`\`ssh-add '${pair.file}'\`$`) });
});

test('a file that several identities need is asked for once', async (t) => {
  const pair = makeKeyPair(join(makeTemp(t, 'id'), 'k'), 'ed25519', secret);
  const { ask, asked } = answers(secret);
  const passphrases = new Passphrases({ ask, where: 'me@box:22', tries: 3, decrypting: (_path, work) => work });
  const file = { kind: 'locked', path: pair.file, text: readFileSync(pair.file, 'utf8') } as const;
  const { signal } = new AbortController();
  const opened = await Promise.all([1, 2].map(() => passphrases.open(file, pair.fingerprint, signal)));
  t.match(opened, [{ type: 'private' }, { type: 'private' }]);
  t.equal(asked.length, 1);
});

test('time in which a key is decrypted counts for no deadline; a server that does not wait for it is named', async (t) => {
  const sshd = await startSshd(t, { config: ['LoginGraceTime 0'] });
  const encrypt = (before: string, rounds: number) =>
    execFileSync('ssh-keygen', ['-q', '-p', '-P', before, '-N', secret, '-a', String(rounds), '-f', sshd.keyFile]);
  encrypt('', 60);
  const began = performance.now();
  await openTestLink(t, sshd, { ask: answers(secret).ask, deadlines: { auth: 300 } });
  t.ok(performance.now() - began > 300, 'it took longer than the login may');

  const hasty = await startSshd(t, { config: ['LoginGraceTime 1'] });
  hasty.allowKey(sshd.publicKey);
  encrypt(secret, 250);
  const config = join(makeTemp(t, 'config'), 'config');
  writeFileSync(config, `IdentityFile ${sshd.keyFile}\n${readFileSync(hasty.sshConfigFile, 'utf8')}`, { mode: 0o600 });
  await t.rejects(openTestLink(t, { sshConfigFile: config }, { ask: answers(secret).ask }), {
    code: 'AUTH_TIMEOUT',
    message: `${hasty.user}@127.0.0.1:${hasty.port} ended the login while key ${sshd.keyFile} was being decrypted; load it into ssh-agent: \`ssh-add ${sshd.keyFile}\``,
  });
});
