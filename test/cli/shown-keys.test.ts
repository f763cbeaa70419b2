import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { runTowline } from '../fixtures/cli.ts';
import { startSshAgent } from '../fixtures/ssh-agent.ts';
import { addSettings } from '../fixtures/sshd-client.ts';
import { makeKeyPair } from '../fixtures/sshd-keys.ts';
import { startSshd } from '../fixtures/sshd.ts';

interface Said {
  readonly step: string;
  readonly where: string;
  readonly state: string;
  readonly text: string;
  readonly fix: string | null;
}

test('doctor shows which keys of an agent a server was shown, and how it would see one only', async (t) => {
  const sshd = await startSshd(t);
  const agent = await startSshAgent(t);
  const pairs = Array.from({ length: 5 }, (_, n) => makeKeyPair(join(sshd.dir, `agent${n}`)));
  for (const { file } of pairs) agent.add(file);
  const right = pairs.at(-1);
  if (right === undefined) throw new Error('no keys');
  sshd.revokeKeys();
  sshd.allowKey(right.publicKey);
  const plain = readFileSync(sshd.sshConfigFile, 'utf8').replace(/ {2}Identi.*\n/g, '');
  writeFileSync(sshd.sshConfigFile, plain);
  addSettings(sshd, `IdentityAgent ${agent.socket}`);

  const look = async (): Promise<readonly Said[]> => {
    const { code, stdout, stderr } = await runTowline(t, ['doctor', '-F', sshd.sshConfigFile, 'test', '--json']);
    t.equal(code, 0, stderr);
    const [{ findings }]: readonly [{ readonly findings: readonly Said[] }] = JSON.parse(stdout);
    return findings.filter(({ step }) => step === 'identities');
  };
  const before = await look();
  const shown = before.filter(({ text }) => text.startsWith('shown, not accepted: '));
  t.same(
    shown.map(({ text }) => /SHA256:\S+/.exec(text)?.[0]),
    pairs.slice(0, 4).map(({ fingerprint }) => fingerprint),
  );
  t.match(
    before.find(({ text }) => text.includes('accepted: ') && !shown.some((one) => one.text === text))?.text,
    /^accepted: /,
  );
  const advice = before.find(({ fix }) => fix !== null);
  t.match(advice, {
    state: 'mind',
    text: /was shown 4 keys that it does not know/,
    fix: /IdentityFile, and set IdentitiesOnly yes/,
  });
  t.equal(advice?.where, '', 'with one host on the way there is nobody else');

  writeFileSync(`${right.file}`, '', { mode: 0o600 });
  addSettings(sshd, 'IdentitiesOnly yes', `IdentityFile ${right.file}.pub`);
  const after = await look();
  t.equal(after.length, 1);
  t.match(after[0]?.text, new RegExp(`^accepted: ssh-ed25519 ${right.fingerprint.replace(/[+/]/g, '.')}`));
});
