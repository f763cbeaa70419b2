import { test } from 'tap';
import { Secret } from '../../../src/core/model/secret.ts';
import { forgetKeyring, readKeyring, writeKeyring } from '../../../src/core/secrets/keyring.ts';
import { forgetToken, handSetToken, readToken, writeToken } from '../../../src/core/secrets/token-store.ts';
import { startKeyring } from '../../fixtures/keyring.ts';
import { makeTemp } from '../../fixtures/temp.ts';

const token = 'tk-5f0a3c9e1b7d4826a0c2e4f6';

test("a token is kept in a real keyring, found, replaced and taken out; another relay's stays", async (t) => {
  const env = await startKeyring(t);
  t.equal(await readKeyring('dev-box', { env }), null);
  await writeKeyring('dev-box', new Secret('an older one'.replaceAll(' ', '-')), { env });
  await writeKeyring('dev-box', new Secret(token), { env });
  await writeKeyring('other', new Secret('theirs'), { env });
  t.equal((await readKeyring('dev-box', { env }))?.reveal(), token);
  const state = makeTemp(t, 'state');
  writeToken(state, 'dev-box', 'keyring');
  t.equal(readToken(state, 'dev-box'), 'keyring');
  t.equal((await handSetToken(state, 'dev-box', { env }))?.reveal(), token, 'what was set by hand is there');
  t.equal(await forgetKeyring('dev-box', { env }), true);
  t.equal(await forgetKeyring('dev-box', { env }), false);
  t.equal(forgetToken(state, 'dev-box'), true);
  t.equal((await readKeyring('other', { env }))?.reveal(), 'theirs');
});

test('where no keyring answers, or no program is there to reach it, a sentence says so', async (t) => {
  const home = makeTemp(t, 'home');
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, DBUS_SESSION_BUS_ADDRESS: `unix:path=${home}/none` };
  const lacking = {
    code: 'TOKEN_MISSING',
    message: /^the keyring's token was not read: .*; unlock the keyring, or do without it$/,
  };
  await t.rejects(readKeyring('dev-box', { env }), lacking);
  await t.rejects(writeKeyring('dev-box', new Secret(token), { env }), { code: 'TOKEN_MISSING' });
  const bare = { env: { PATH: home } };
  await t.rejects(readKeyring('dev-box', bare), { message: /there is no secret-tool here .*libsecret-tools/ });
});
