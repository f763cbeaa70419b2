import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { parsePublicKey } from '../../../../src/core/ssh/identity/public-key.ts';
import { makeSecurityKey } from '../../../fixtures/security-key.ts';
import { startSoftwareAgent } from '../../../fixtures/software-agent.ts';
import { startSshAgent } from '../../../fixtures/ssh-agent.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { type Sshd, startSshd } from '../../../fixtures/sshd.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { makeUserCa, type UserCa } from '../../../fixtures/user-ca.ts';
import { answers, identitiesOf, logIn } from './log-in.ts';

/** An sshd that lets in by certificates of the test's authority, and by nothing else. */
async function startCertificateSshd(
  t: Test,
  config: readonly string[] = [],
): Promise<{ sshd: Sshd; ca: UserCa; dir: string }> {
  const dir = makeTemp(t, 'ca');
  const ca = makeUserCa(dir);
  const lines = [`TrustedUserCAKeys ${ca.publicKeyFile}`, 'AuthorizedKeysFile none', ...config];
  return { sshd: await startSshd(t, { config: lines }), ca, dir };
}

test('a sshd that takes only certificates lets each type of key in by one, and no plain key', async (t) => {
  const { sshd, ca, dir } = await startCertificateSshd(t);
  for (const type of ['ed25519', 'rsa', 'ecdsa'] as const) {
    const pair = makeKeyPair(join(dir, type), type);
    const plain = await logIn(sshd, await identitiesOf(sshd, [`IdentityFile ${pair.file}`], null));
    t.match(plain, { entered: false, offered: { length: 1 } }, `${type} alone`);

    ca.sign(pair.file);
    const from = sshd.log().length;
    const result = await logIn(sshd, await identitiesOf(sshd, [`IdentityFile ${pair.file}`], null));
    t.match(result, { entered: true, errors: [], unsigned: null }, type);
    const name = `${pair.publicKey.split(' ')[0]}-cert-v01@openssh.com`;
    t.equal(result.offered.at(-1), `${name} ${pair.fingerprint} (${pair.file}-cert.pub)`);
    await sshd.waitForLog(/Accepted publickey for .* ID towline-test/, from);
  }
});

test('a certificate from CertificateFile logs in by a file, an encrypted file and the agent', async (t) => {
  const { sshd, ca, dir } = await startCertificateSshd(t);
  const agent = await startSshAgent(t);
  const pair = makeKeyPair(join(dir, 'k'));
  const certificateFiles = [ca.sign(pair.file, { to: join(dir, 'elsewhere.pub') })];
  const lines = [`IdentityFile ${pair.file}`];

  const byFile = await logIn(sshd, await identitiesOf(sshd, lines, null, { certificateFiles }));
  t.match(byFile, { entered: true, offered: { length: 1 } });

  execFileSync('ssh-keygen', ['-q', '-p', '-N', 'secret', '-f', pair.file]);
  const { ask, asked } = answers('secret');
  const locked = await logIn(sshd, await identitiesOf(sshd, lines, null, { certificateFiles }), { ask });
  t.match(locked, { entered: true, offered: { length: 1 } });
  t.match(asked, [{ kind: 'passphrase', about: pair.fingerprint, again: false }]);

  execFileSync('ssh-keygen', ['-q', '-p', '-P', 'secret', '-N', '', '-f', pair.file]);
  agent.add(pair.file);
  rmSync(pair.file);
  const only = ['IdentitiesOnly yes', `IdentityFile ${pair.file}.pub`];
  const byAgent = await logIn(sshd, await identitiesOf(sshd, only, agent.socket, { certificateFiles }));
  t.match(byAgent, { entered: true, offered: { length: 1 } });
});

test('a certificate that the agent holds logs in, for each type of key', async (t) => {
  const { sshd, ca, dir } = await startCertificateSshd(t);
  const agent = await startSshAgent(t);
  for (const type of ['ed25519', 'rsa', 'ecdsa'] as const) {
    const pair = makeKeyPair(join(dir, type), type);
    ca.sign(pair.file);
    agent.clear();
    agent.add(pair.file);
    const result = await logIn(sshd, await identitiesOf(sshd, ['IdentityFile none'], agent.socket));
    t.match(result, { entered: true, errors: [] }, type);
    t.match(result.offered.at(-1), /-cert-v01@openssh.com SHA256:\S+ \(agent: /);
  }
});

test('RSA signs by the first algorithm of PubkeyAcceptedAlgorithms that the server takes, never by SHA-1', async (t) => {
  const { sshd, ca, dir } = await startCertificateSshd(t, ['LogLevel DEBUG3']);
  const pair = makeKeyPair(join(dir, 'k'), 'rsa');
  ca.sign(pair.file);
  const loaded = await identitiesOf(sshd, [`IdentityFile ${pair.file}`], null);
  for (const size of [256, 512]) {
    const publicKeyAlgorithms = [size, 256, 512].map((bits) => `rsa-sha2-${bits}-cert-v01@openssh.com`);
    const from = sshd.log().length;
    t.match(await logIn(sshd, loaded, { host: { publicKeyAlgorithms } }), { entered: true, offered: { length: 1 } });
    await sshd.waitForLog(/Accepted publickey for/, from);
    const asked = [
      ...sshd
        .log()
        .slice(from)
        .matchAll(/test pkalg (\S+) pkblob/g),
    ].map(([, name]) => name);
    t.strictSame(asked, [`rsa-sha2-${size}-cert-v01@openssh.com`]);
  }
});

test('a certificate that is over, or for somebody else, is refused by the server, and the notes say what can be known', async (t) => {
  const { sshd, ca, dir } = await startCertificateSshd(t);
  const pair = makeKeyPair(join(dir, 'k'));
  const lines = [`IdentityFile ${pair.file}`];
  ca.sign(pair.file, { validity: '20200101:20200102' });
  const expired = await identitiesOf(sshd, lines, null);
  t.match(await logIn(sshd, expired), { entered: false, offered: { length: 2 } }, 'it is offered, as by ssh');
  t.match(expired.notes, [/has expired/]);
  await sshd.waitForLog(/Certificate invalid: expired/);
  ca.sign(pair.file, { principals: 'somebody-else' });
  t.match(await logIn(sshd, await identitiesOf(sshd, lines, null)), { entered: false, offered: { length: 2 } });
  await sshd.waitForLog(/name is not a listed principal/);
});

test('a FIDO key that the agent holds logs in, and so does its certificate', async (t) => {
  const { sshd: certain, ca, dir } = await startCertificateSshd(t);
  const plain = await startSshd(t);
  for (const type of ['ed25519-sk', 'ecdsa-sk'] as const) {
    const key = makeSecurityKey(type);
    const path = key.write(join(dir, `${type}.pub`));
    const held = { comment: 'touch me', sign: key.sign };
    const agent = await startSoftwareAgent(t, [{ ...held, blob: key.blob }]);
    plain.allowKey(key.publicKey);
    const result = await logIn(plain, await identitiesOf(plain, ['IdentityFile none'], agent));
    t.match(result, { entered: true, errors: [] }, type);
    t.strictSame(result.offered, [`${key.publicKey.split(' ')[0]} ${key.fingerprint} (agent: touch me)`]);

    const certificate = ca.sign(path);
    const blob = parsePublicKey(readFileSync(certificate, 'utf8'))?.blob ?? Buffer.alloc(0);
    const holder = await startSoftwareAgent(t, [{ ...held, blob }]);
    t.match(
      await logIn(certain, await identitiesOf(certain, ['IdentityFile none'], holder)),
      { entered: true },
      'certificate in the agent',
    );
    const beside = await identitiesOf(certain, [`IdentityFile ${path.replace(/\.pub$/, '')}`], agent);
    t.match(await logIn(certain, beside), { entered: true, offered: { length: 2 } }, 'certificate beside the file');
  }
});

test('a FIDO signature without its flags and counter is named as none', async (t) => {
  const sshd = await startSshd(t);
  const key = makeSecurityKey();
  sshd.allowKey(key.publicKey);
  const cut = (data: Buffer) => key.sign(data).subarray(0, -5);
  const agent = await startSoftwareAgent(t, [{ blob: key.blob, comment: 'cut', sign: cut }]);
  const result = await logIn(sshd, await identitiesOf(sshd, ['IdentityFile none'], agent));
  t.match(result, {
    entered: false,
    unsigned: { code: 'AGENT_UNREACHABLE', message: /gave a signature that is none/ },
  });
});
