import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange, fateOf } from '../../fixtures/client.ts';
import { makeMoody } from '../../fixtures/moody.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';

// A link that is up without the backend that it should lead to: nobody has brought that over it yet.

const count = (events: readonly Event[], type: Event['type']) => events.filter((event) => event.type === type).length;

test('a backend that does not come over a new link degrades its relay too: all else is served over that link', async (t) => {
  const sshd = await startSshd(t);
  const [moody, echo] = [makeMoody(t), await startEcho(t)];
  moody.starts('exit');
  const forwards = [{ listen: 0, target: 'backend', health: moody.health }, `0:127.0.0.1:${echo.port}`];
  const r = { host: 'test', forwards, plugins: [moody.plugin], hold: { time: '30s' } };
  const daemon = await supervise(t, sshd, { r });
  await daemon.reach('r', 'degraded', 60_000);
  const early = daemon.status('r').lanes[0]?.state;
  t.match(early, { at: 'up', backing: { at: 'trying' } }, 'it is tried again meanwhile');
  t.equal(
    (await exchange(daemon.port('r', 1), 'x')).toString(),
    'x',
    'another forward serves from the first failure on',
  );
  await daemon.next(
    'its rest',
    (event) => event.type === 'lane.changed' && event.state.at === 'up' && event.state.backing?.at === 'blocked',
    0,
    60_000,
  );
  t.equal(moody.started(), 5);
  const before = daemon.status('r');
  t.match(before.standing, { fault: { code: 'LAUNCH_FAILED', message: /"not in the mood"/ } });
  t.ok((before.standing.until ?? 0) > Date.now() + 240_000, 'it gets a long rest');
  t.equal(await fateOf(daemon.port('r')), 'ECONNRESET');
  t.match(daemon.events.findLast((event) => event.type === 'connection.refused')?.fault, { code: 'LAUNCH_FAILED' });
  t.equal((await exchange(daemon.port('r', 1), 'x')).toString(), 'x', 'another forward serves');
  const open = await dial(daemon.port('r', 1));
  await echo.close();
  const refused = (event: Event) => event.type === 'forward.judged' && event.fault?.code === 'TARGET_REFUSED';
  await fateOf(daemon.port('r', 1), 10_000);
  t.match(daemon.events.findLast(refused), { forward: 1 }, 'and is watched');
  moody.starts(1_000);
  const after = daemon.supervisor.status().id;
  await daemon.supervisor.startRelay('r');
  const again = (event: Event) =>
    event.type === 'lane.changed' && event.state.at === 'up' && event.state.backing?.at === 'trying';
  await daemon.next('it is tried again', again, after);
  t.equal(
    await fetch(`http://127.0.0.1:${daemon.port('r')}/`).then(({ status }) => status),
    403,
    'who came while it was tried again was held',
  );
  t.equal(count(daemon.events, 'link.opened'), 1);
  t.match(daemon.status('r').lanes, [{ state: { at: 'up', backing: null } }]);
  open.destroy();
});

test('nobody is led to who has the fixed port of a backend, and what needs no backend serves over the same link', async (t) => {
  const sshd = await startSshd(t);
  const squatter = await startEcho(t);
  const echo = await startEcho(t);
  const forwards = [`0:127.0.0.1:${squatter.port}`, `0:127.0.0.1:${echo.port}`];
  const plugins = [{ use: 'launch', command: 'exec sleep 600', port: squatter.port }];
  const daemon = await supervise(t, sshd, { r: { host: 'test', forwards, plugins, hold: { time: '60s' } } });
  t.equal(await fateOf(daemon.port('r'), 60_000), 'ECONNRESET', 'who came meanwhile is reset');
  const { standing, lanes } = daemon.status('r');
  t.match(standing, { word: 'degraded', fault: { code: 'LAUNCH_PORT_TAKEN' } });
  t.match(lanes, [{ state: { at: 'up', kept: [0] } }]);
  t.equal(await fateOf(daemon.port('r'), 10_000), 'ECONNRESET');
  t.notOk(
    daemon.events.some((event) => event.type === 'forward.judged' && event.forward === 0),
    'nor is it asked',
  );
  t.equal((await exchange(daemon.port('r', 1), 'x')).toString(), 'x');
});

test('a server that forbids the way to the backend and all others is asked anew by another link', async (t) => {
  const sshd = await startSshd(t, { config: ['AllowTcpForwarding no'] });
  const moody = makeMoody(t);
  const forwards = ['0:backend', '0:127.0.0.1:9'];
  const daemon = await supervise(t, sshd, { r: { host: 'test', forwards, plugins: [moody.plugin] } });
  const { standing, lanes } = await daemon.reach('r', 'blocked', 60_000);
  t.match(standing.fault, { code: 'FORWARDING_REFUSED' });
  t.match(lanes, [{ state: { at: 'blocked' } }], 'its policy is read when a session begins');
});

test('a relay whose only forward leads to the backend keeps its link, and is blocked', async (t) => {
  const moody = makeMoody(t);
  moody.mood('401');
  const r = { host: 'test', forwards: ['0:backend'], plugins: [moody.plugin] };
  const daemon = await supervise(t, await startSshd(t), { r });
  const { standing, lanes } = await daemon.reach('r', 'blocked', 60_000);
  t.match(standing.fault, { code: 'TOKEN_REFUSED' });
  t.match(lanes, [{ state: { at: 'up', backing: { at: 'blocked' } } }]);
  t.equal(await fateOf(daemon.port('r'), 10_000), 'ECONNRESET');
  moody.mood('');
  await daemon.supervisor.startRelay('r');
  await daemon.reach('r', 'connected', 60_000);
  t.equal(count(daemon.events, 'link.opened'), 1);
  t.notOk(
    daemon.events.some((event) => event.type === 'relay.stopping'),
    'nobody ended it',
  );
});

test('a config that mends the launch is taken over by itself, though the link is up: nobody used that', async (t) => {
  const moody = makeMoody(t);
  moody.mood('401');
  const r = { host: 'test', forwards: ['0:backend'], plugins: [moody.plugin] };
  const daemon = await supervise(t, await startSshd(t), { r });
  await daemon.reach('r', 'blocked', 60_000);
  t.match(daemon.status('r').lanes, [{ state: { at: 'up' } }]);
  moody.mood('');
  const plugins = [{ ...moody.plugin, deadline: '50s' }];
  t.match(await daemon.reload({ r: { ...r, plugins } }, []), { applied: true, changed: ['r'], ended: [], cuts: [] });
  await daemon.reach('r', 'connected', 60_000);
  t.match(await daemon.reload({ r }, []), { applied: false, cuts: ['r'] }, 'by now it would be noticed');
});
