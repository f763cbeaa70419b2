import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { runTowline } from '../fixtures/cli.ts';
import { fateOf } from '../fixtures/client.ts';
import { ECHO_PORT, startContainer } from '../fixtures/container.ts';
import { startDaemon, writeConfig } from './daemon.ts';

test('a swapped host key blocks, says both fingerprints, and is an exit code', async (t) => {
  const container = await startContainer(t);
  const relays = { r: { host: 'test', forwards: [`0:127.0.0.1:${ECHO_PORT}`] } };
  const daemon = await startDaemon(t, container, relays);
  await daemon.reach('r', 'connected');
  await container.swapHostKey();
  await container.killSessions();
  const { fault } = (await daemon.reach('r', 'blocked')).standing;
  t.equal(fault?.code, 'HOST_KEY_CHANGED');
  t.equal(fault?.message.match(/SHA256:/g)?.length, 2, 'old and new');
  t.equal(await fateOf(await daemon.port('r')), 'ECONNRESET');
  const shown = await runTowline(t, ['status', 'r']);
  t.match(shown.stdout, /ssh-keygen -R/, 'the command to run is shown to people too');
  await daemon.cli.stop();
  const ended = await runTowline(t, ['up', '--exit-on-failure', '--config', writeConfig(t, container, relays)]);
  t.equal(ended.code, 76);
  t.match(ended.stderr, /\[HOST_KEY_CHANGED\]/);
  const again = await startDaemon(t, container, relays);
  await again.reach('r', 'blocked');
  await container.trustHostKeys();
  await again.reach('r', 'connected');
});

test('the way out of a swapped key that is printed is one: remove, look, trust, and the relay goes on', async (t) => {
  const container = await startContainer(t);
  const daemon = await startDaemon(t, container, { r: { host: 'test', forwards: [`0:127.0.0.1:${ECHO_PORT}`] } });
  await daemon.reach('r', 'connected');
  await container.swapHostKey();
  await container.killSessions();
  const { fault } = (await daemon.reach('r', 'blocked')).standing;
  const before = readFileSync(container.knownHostsFile, 'utf8');
  const trust = ['trust', '-F', container.sshConfigFile, 'test'];
  const refused = await runTowline(t, [...trust, '--yes']);
  t.equal(refused.code, 76);
  t.match(refused.stderr, /\[HOST_KEY_CHANGED\]/);
  t.equal(readFileSync(container.knownHostsFile, 'utf8'), before, 'trust never overwrites');
  execFileSync('sh', ['-c', String(fault?.detail['remove'])], { stdio: 'pipe' });
  const fresh = String(fault?.detail['fingerprint']);
  t.equal((await runTowline(t, [...trust, '--fingerprint', fresh])).code, 0);
  await daemon.reach('r', 'connected');
});
