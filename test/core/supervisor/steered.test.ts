import { once } from 'node:events';
import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, fateOf } from '../../fixtures/client.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';

test('of what a user asks for at once the last wish wins: a relay that is to be stopped in the end is stopped', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', drain: '1s', forwards: [`0:127.0.0.1:${echo.port}`] },
  });
  const { supervisor } = relays;
  for (const first of ['stopRelay', 'restartRelay'] as const) {
    await supervisor.startRelay('r');
    await relays.reach('r', 'connected');
    const port = relays.port('r');
    // The drain waits for it.
    const client = await dial(port);
    client.write('x');
    await once(client, 'data');
    const before = relays.events.length;
    await Promise.all([supervisor[first]('r'), supervisor.startRelay('r'), supervisor.stopRelay('r')]);
    t.match(relays.status('r'), { standing: { word: 'offline' }, lanes: [{ pid: null }] }, first);
    t.equal(await fateOf(port), 'ECONNREFUSED');
    const told = relays.events.slice(before).map(({ type }) => type);
    t.notOk(told.includes('relay.started'), 'nothing began again');
    t.equal(told.filter((type) => type === 'relay.stopped').length, 1);
  }
  const wishes = [supervisor.stopRelay('r'), supervisor.restartRelay('r'), supervisor.stopRelay('r')];
  await Promise.all([...wishes, supervisor.startRelay('r')]);
  await relays.reach('r', 'connected');
});
