import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { startOnTerminal } from '../fixtures/pty.ts';
import { addSettings } from '../fixtures/sshd-client.ts';
import { makeKeyPair } from '../fixtures/sshd-keys.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { daemonClient } from '../fixtures/daemon-client.ts';

const relays = ['a', 'b', 'c'];

/** Three relays that need the passphrase of the same key. */
async function writeConfig(t: Test): Promise<void> {
  const sshd = await startSshd(t);
  const locked = makeKeyPair(join(homeOf(t), 'locked'), 'ed25519', 'open sesame');
  // The fixture's own key, which has no passphrase, opens nothing.
  sshd.revokeKeys();
  sshd.allowKey(locked.publicKey);
  addSettings(sshd, `IdentityFile ${locked.file}`, 'IdentityAgent none');
  const relay = { host: 'test', forwards: ['0:127.0.0.1:9'] };
  const config = { sshConfig: sshd.sshConfigFile, relays: Object.fromEntries(relays.map((name) => [name, relay])) };
  writeFileSync(join(homeOf(t), 'towline.json'), JSON.stringify(config), { mode: 0o600 });
}

test('unlock asks once for a passphrase that many relays need and nobody gives; each says what it waits for', async (t) => {
  await writeConfig(t);
  t.equal((await runTowline(t, ['up', '--detach'])).code, 0);
  const daemon = daemonClient(t);
  for (const name of relays) await daemon.reach(name, 'blocked');
  const cli = startOnTerminal(t, ['unlock'], 240);
  await cli.answer(/a: Enter passphrase for key '.*locked': $/, '\u0004');
  t.equal(await cli.ended, 77);
  t.equal(cli.shown().match(/Enter passphrase/g)?.length, 1, cli.shown());
  for (const name of relays) t.match(cli.shown(), new RegExp(`${name}: .*locked.*\\[NEEDS_ANSWER\\]`));
  const again = startOnTerminal(t, ['unlock', 'b']);
  await again.answer(/b: Enter passphrase for key '.*locked': $/, 'open sesame\r');
  t.equal(await again.ended, 0, 'another sitting, another question');
});

test('up on a terminal asks once for it, until a user wants one of the relays to go on', async (t) => {
  await writeConfig(t);
  const cli = startOnTerminal(t, ['up']);
  await cli.answer(/Enter passphrase for key '.*locked': $/, '\u0004');
  for (const name of relays) await cli.waitFor(new RegExp(` ${name}: blocked`));
  t.equal(cli.shown().match(/Enter passphrase/g)?.length, 1);
  t.match(await runTowline(t, ['status']), { stdout: /a +blocked[\s\S]*b +blocked[\s\S]*c +blocked[\s\S]*locked/ });
  t.equal((await runTowline(t, ['start', 'b'])).code, 0);
  await cli.answer(/b: Enter passphrase for key '.*locked': $/, 'open sesame\r');
  for (const name of relays) await cli.waitFor(new RegExp(` ${name}: .*connected`));
  cli.type('\u0003');
  t.equal(await cli.ended, 0);
});
