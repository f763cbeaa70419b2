import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';

test('the same run of a backend with another token is TOKEN_CHANGED: in status, as its last trouble, and without either token', async (t) => {
  const sshd = await startSshd(t);
  const { port } = await startEcho(t);
  const plugin = join(makeTemp(t, 'plugin'), 'changing.mjs');
  const backend = `{ target: { kind: 'tcp', host: '127.0.0.1', port: ${port} }, run: '0123456789abcdef', token: { reveal: () => 'tk-' + n } }`;
  writeFileSync(
    plugin,
    `let n = 0;\nexport default { name: 'changing', relay: () => ({ backend: () => (n += 1, ${backend}) }) };`,
    {
      mode: 0o600,
    },
  );
  const plugins = [{ use: plugin }];
  const daemon = await supervise(t, sshd, { r: { host: 'test', settle: '0s', forwards: ['0:backend'], plugins } });
  await daemon.reach('r', 'connected');
  t.equal(daemon.supervisor.token('r').token?.reveal(), 'tk-1');
  t.same(daemon.status('r').warnings, []);
  sshd.killSessions();
  const said = await daemon.next('the news of it', (event) => event.type === 'relay.warned');
  t.match(said, {
    text: /^the backend \(run 01234567\) has another token than before; .* \[TOKEN_CHANGED\]$/,
    fault: { code: 'TOKEN_CHANGED' },
  });
  const { warnings, lastFault } = daemon.status('r');
  t.match(warnings, [/\[TOKEN_CHANGED\]$/]);
  t.equal(lastFault?.code, 'TOKEN_CHANGED');
  t.equal(daemon.supervisor.token('r').token?.reveal(), 'tk-2');
  t.notMatch(JSON.stringify(daemon.events), /tk-[12]/);
});
