import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { Secret } from '../../../src/core/model/secret.ts';
import { forgetToken, handSetToken, readToken, tokenFile, writeToken } from '../../../src/core/secrets/token-store.ts';
import { makeTemp } from '../../fixtures/temp.ts';

const revealed = (kept: Secret | 'keyring' | null) => (kept instanceof Secret ? kept.reveal() : kept);

test('a token that was set is read, replaced and forgotten; its file and folder are private whatever the umask', async (t) => {
  const state = makeTemp(t, 'state');
  const umask = process.umask(0);
  t.teardown(() => process.umask(umask));
  t.equal(readToken(state, 'dev-box'), null);
  t.equal(forgetToken(state, 'dev-box'), false);
  writeToken(state, 'dev-box', new Secret('one'));
  writeToken(state, 'dev-box', new Secret('two'));
  t.equal(revealed(readToken(state, 'dev-box')), 'two');
  t.equal(revealed(await handSetToken(state, 'dev-box')), 'two');
  t.equal(statSync(join(state, 'tokens')).mode & 0o777, 0o700);
  t.equal(statSync(tokenFile(state, 'dev-box')).mode & 0o777, 0o600);
  t.same(readdirSync(join(state, 'tokens')), ['dev-box'], 'nothing else is left there');
  t.equal(forgetToken(state, 'dev-box'), true);
  t.equal(readToken(state, 'dev-box'), null);
});

test('a link in the place of the file is neither read nor followed; what it leads to is left alone', (t) => {
  const state = makeTemp(t, 'state');
  const theirs = join(makeTemp(t, 'theirs'), 'precious');
  writeFileSync(theirs, 'precious', { mode: 0o600 });
  mkdirSync(join(state, 'tokens'), { mode: 0o700 });
  symlinkSync(theirs, tokenFile(state, 'dev-box'));
  t.throws(() => readToken(state, 'dev-box'), { code: 'TOKEN_UNSAFE', message: /is a symbolic link/ });
  writeToken(state, 'dev-box', new Secret('mine'));
  t.ok(lstatSync(tokenFile(state, 'dev-box')).isFile());
  t.equal(readFileSync(theirs, 'utf8'), 'precious');
  t.end();
});

test('a folder or a file that others can reach is refused, and a link in the place of the folder', (t) => {
  const state = makeTemp(t, 'state');
  writeToken(state, 'dev-box', new Secret('one'));
  chmodSync(tokenFile(state, 'dev-box'), 0o640);
  t.throws(() => readToken(state, 'dev-box'), { code: 'TOKEN_UNSAFE', message: /readable by others \(0640\)/ });
  chmodSync(join(state, 'tokens'), 0o755);
  for (const act of [() => readToken(state, 'dev-box'), () => writeToken(state, 'dev-box', new Secret('x'))]) {
    t.throws(act, { code: 'RUNTIME_UNSAFE', message: /not a folder for your eyes only/ });
  }
  const other = makeTemp(t, 'other');
  symlinkSync(join(state, 'tokens'), join(other, 'tokens'));
  t.throws(() => writeToken(other, 'dev-box', new Secret('x')), { code: 'RUNTIME_UNSAFE' });
  for (const name of ['../x', '', '.hidden', 'a/b']) t.throws(() => tokenFile(state, name), { code: 'INTERNAL' });
  t.ok(existsSync(tokenFile(state, 'dev-box')));
  t.end();
});
