import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { startTcp } from '../../fixtures/backend.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';

test('a plugin that probes has the token for the backend alone, not for what another forward leads to', async (t) => {
  const sshd = await startSshd(t);
  const backend = await startTcp(t, 0, (socket) => void socket.end('backend'));
  const other = await startTcp(t, 0, (socket) => void socket.end('other'));
  const dir = makeTemp(t, 'probing');
  const [plugin, seen] = [join(dir, 'probing.mjs'), join(dir, 'seen')];
  writeFileSync(seen, '');
  writeFileSync(
    plugin,
    `import { appendFileSync } from 'node:fs';
export default { name: 'probing', relay: () => ({
  backend: () => ({ target: { kind: 'tcp', host: '127.0.0.1', port: ${backend.port} }, run: null, adopted: true,
    token: { reveal: () => 'a-token' }, door: null, opens: null, says: '' }),
  probe: async (dial, token) => {
    let who = '';
    for await (const chunk of await dial()) who += chunk;
    appendFileSync(${JSON.stringify(seen)}, who + (token === null ? ' without\\n' : ' with\\n'));
    return true;
  },
}) };`,
    { mode: 0o600 },
  );
  const health = { kind: 'tcp', every: '1s' };
  const forwards = [
    { listen: '127.0.0.1:0', target: 'backend', health },
    { listen: '127.0.0.1:0', target: `127.0.0.1:${other.port}`, health },
  ];
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards, plugins: [{ use: plugin }] } });
  await relays.reach('r', 'connected');
  const lines = () => readFileSync(seen, 'utf8').trim().split('\n');
  await waitUntil('both were probed', () =>
    ['backend', 'other'].every((who) => lines().some((line) => line.startsWith(who))),
  );
  t.same([...new Set(lines())].toSorted(), ['backend with', 'other without']);
});
