import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { startWebSocket } from '../fixtures/backend-web.ts';
import { homeOf, runTowline, startTowline } from '../fixtures/cli.ts';
import { startKeyring } from '../fixtures/keyring.ts';
import { speak } from '../fixtures/mains-client.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { daemonClient } from '../fixtures/daemon-client.ts';

const token = 'tk-5f0a3c9e1b7d4826a0c2e4f6';

test('a token goes into the keyring and comes out of it, by hand and by a rule, with a daemon and without', async (t) => {
  const [{ DBUS_SESSION_BUS_ADDRESS = '' }, sshd] = [await startKeyring(t), await startSshd(t)];
  const env = { DBUS_SESSION_BUS_ADDRESS };
  const backend = await startWebSocket(t, { token });
  const to = { host: 'test', forwards: [`0:127.0.0.1:${backend.port}`] };
  const rule = { use: 'token', from: 'keyring' };
  const relays = { box: to, other: { ...to, plugins: [{ ...rule, name: 'box' }] }, own: { ...to, plugins: [rule] } };
  const config = JSON.stringify({ sshConfig: sshd.sshConfigFile, relays });
  writeFileSync(join(homeOf(t), 'towline.json'), config, { mode: 0o600 });
  const tow = (...words: readonly string[]) => runTowline(t, words, { env, input: `${token}\n` });
  const shown = async (relay: string) => (await tow('token', relay, '--print')).stdout.trim();
  const status = async (relay: string) => JSON.parse((await tow('status', relay, '--json')).stdout);
  const file = join(homeOf(t), '.state', 'towline', 'tokens', 'box');

  const set = await tow('token', 'set', 'box', '--keyring');
  t.match(set, { code: 0, stdout: 'set the token of box in the keyring\n', stderr: '' });
  t.equal(readFileSync(file, 'utf8'), 'in the keyring\n', 'the file only says where it is');
  t.equal(await shown('box'), token);

  startTowline(t, ['up'], { env });
  const daemon = daemonClient(t);
  await daemon.reach('other', 'connected');
  t.equal(await shown('other'), token, 'the rule has found it');
  t.equal(await shown('box'), token, 'the daemon reads it, too');
  const [{ listen }] = (await status('other')).forwards;
  t.equal(await speak(listen.port, token, 'hello'), 'hello');
  const lacks = (relay: string, name: string) => async () =>
    String((await status(relay)).standing.reason).includes(`the keyring has no token of ${name}; \`towline token set`);
  await waitUntil('without a name it is looked for under that of the relay', lacks('own', 'own'), { every: 100 });

  t.match(await tow('token', 'forget', 'box'), { code: 0, stdout: 'forgot the token of box\n' });
  t.equal(existsSync(file), false);
  t.match(await tow('token', 'box', '--print'), { code: 77, stdout: '', stderr: /TOKEN_MISSING/ });
  await tow('restart', 'other');
  await waitUntil('it is gone there', lacks('other', 'box'), { every: 100 });
});
