import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'tap';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { startSshd } from '../../../fixtures/sshd.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { answers, identitiesOf, logIn } from './log-in.ts';

const secret = 'correct horse';

test('the event loop is free while a key of 64 rounds is decrypted', async (t) => {
  const sshd = await startSshd(t);
  const pair = makeKeyPair(join(makeTemp(t, 'id'), 'k'), 'ed25519', secret);
  sshd.allowKey(pair.publicKey);
  execFileSync('ssh-keygen', ['-q', '-p', '-P', secret, '-N', secret, '-a', '64', '-f', pair.file]);
  const loaded = await identitiesOf(sshd, [`IdentityFile ${pair.file}`], null);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const before = performance.now();
  delay.enable();
  const result = await logIn(sshd, loaded, { ask: answers(secret).ask });
  delay.disable();
  const took = performance.now() - before;
  const longest = delay.max / 1e6;
  t.match(result, { entered: true });
  t.comment(`the login took ${Math.round(took)} ms, the longest block was ${Math.round(longest)} ms`);
  t.ok(took > 400, 'it was worth a thread');
  // On the loop itself the block would be nearly all of the login; a busy machine stretches both.
  t.ok(longest < took / 4, `${longest} of ${took} ms`);
});
