import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { exchange } from '../../fixtures/client.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';

test('whether a link may be replaced goes by the backend that was brought last over it', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const dir = makeTemp(t, 'plugin');
  const [plugin, mode] = [join(dir, 'brings.mjs'), join(dir, 'mode')];
  writeFileSync(
    plugin,
    `import { readFileSync } from 'node:fs';
export default { name: 'brings', relay: () => ({ backend: () => ({
  target: { kind: 'tcp', host: '127.0.0.1', port: ${echo.port} }, run: null, adopted: true,
  withLink: readFileSync(${JSON.stringify(mode)}, 'utf8') === 'with',
}) }) };\n`,
    { mode: 0o600 },
  );
  writeFileSync(mode, 'without');
  const forwards = [{ listen: 0, target: 'backend', health: null }];
  const r = { host: 'test', forwards, plugins: [{ use: plugin }], hold: { time: '30s' } };
  const relays = await supervise(t, sshd, { r });
  await relays.reach('r', 'connected');
  /** Has the backend brought again over the same link. */
  const bring = async (how: 'with' | 'without') => {
    const from = relays.supervisor.status().id;
    writeFileSync(mode, how);
    await relays.supervisor.retoken('r');
    const is = (at: string | undefined) => (event: Event) =>
      event.type === 'lane.changed' && event.state.at === 'up' && event.state.backing?.at === at;
    const trying = await relays.next('it is brought', is('trying'), from);
    await relays.next('it is there', is(undefined), trying.id);
    return relays.supervisor.status().id;
  };

  let from = await bring('with');
  sshd.freezeSessions();
  const held = exchange(relays.port('r'), 'held', 30_000);
  await relays.next('the doubt', ({ type }) => type === 'link.doubted', from);
  t.match(relays.status('r').lanes[0]?.state, { at: 'up', beside: { at: 'alone' } }, 'its backend would end with it');
  sshd.killSessions('SIGCONT');
  await relays.next('an answer', ({ type }) => type === 'link.answered', from);
  t.equal(String(await held), 'held');

  from = await bring('without');
  const frozen = sshd.freezeSessions();
  t.teardown(() => {
    for (const pid of frozen) if (sshd.sessions().includes(pid)) process.kill(pid, 'SIGCONT');
  });
  t.equal(String(await exchange(relays.port('r'), 'beside', 15_000)), 'beside');
  await relays.next('the second link', ({ type }) => type === 'link.replaced', from);
});
