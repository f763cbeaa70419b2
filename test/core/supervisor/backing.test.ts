import { appendFileSync } from 'node:fs';
import { request } from 'node:http';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import type { LaneState } from '../../../src/core/model/state.ts';
import type { RelayStatus } from '../../../src/core/model/status.ts';
import { remoteHost } from '../../../src/core/ssh/link/remote-host.ts';
import { endBackend } from '../../../src/plugins/launch/manage.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange, fate } from '../../fixtures/client.ts';
import { startSquatter } from '../../fixtures/launching.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { makeMoody } from '../../fixtures/moody.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { within } from '../../fixtures/wait.ts';

/** A relay that leads to a moody backend (forward 0) and to an echo that has nothing to do with it (forward 1). */
async function startBoth(t: Owner, relay: object = {}, every = '1s') {
  const sshd = await startSshd(t);
  const moody = makeMoody(t);
  const echo = await startEcho(t);
  const forwards = [{ listen: 0, target: 'backend', health: { ...moody.health, every } }, `0:127.0.0.1:${echo.port}`];
  const r = { host: 'test', forwards, plugins: [moody.plugin], hold: { time: '30s' }, ...relay };
  const daemon = await supervise(t, sshd, { r });
  const before = await daemon.reach('r', 'connected', 60_000);
  /** Waits for a state of the lane after event number `after`. */
  const state = (what: string, matches: (state: LaneState) => boolean, after: number, time?: number) =>
    daemon.next(what, (event) => event.type === 'lane.changed' && matches(event.state), after, time);
  const backing = (at: string) => (one: LaneState) => one.at === 'up' && one.backing?.at === at;
  return { sshd, moody, echo, daemon, before, state, backing };
}

/** The status of an answer through the backend's forward, or the code of what cut it. */
function ask(port: number): Promise<number | string> {
  const answer = new Promise<number | string>((resolve) => {
    const options = { host: '127.0.0.1', port, agent: false };
    const asked = request(options, (response) => resolve(response.resume().statusCode ?? 0));
    asked.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)).end();
  });
  return within('an answer of the backend', answer, 60_000);
}

function upSince({ lanes }: RelayStatus): number {
  const state = lanes[0]?.state;
  if (state?.at !== 'up') throw new Error(`it is ${state?.at}`);
  return state.since;
}

const count = (events: readonly Event[], type: Event['type']) => events.filter((event) => event.type === type).length;

test('a backend that ends is launched again over the same link; who has to do with it waits, nobody else notices', async (t) => {
  const { moody, daemon, before, state, backing } = await startBoth(t);
  const open = await dial(daemon.port('r', 1));
  const words: string[] = [];
  const after = daemon.supervisor.status().id;
  daemon.supervisor.subscribe(after, () => words.push(daemon.status('r').standing.word));
  moody.starts(3_000);
  await moody.kill();
  await state('it is missed', backing('trying'), after);
  const { target } = before.lanes[0]?.backend ?? {};
  if (target?.kind !== 'tcp') throw new Error('it has no port');
  const squatter = await startSquatter(t, target.port);
  t.equal(squatter, target.port, 'somebody else listens where it did');
  t.match(daemon.status('r').standing, { word: 'degraded', reason: /^bringing its backend again over the same link/ });
  t.match(daemon.status('r').forwards, [{ judgement: 'pending' }, { judgement: 'unverified' }]);
  const held = ask(daemon.port('r'));
  t.equal((await exchange(daemon.port('r', 1), 'x')).toString(), 'x', 'another forward serves meanwhile');
  t.equal(await held, 403, 'the client was held, and served by the new one');
  t.match(daemon.status('r').warnings, [/^its backend was started anew, with another token; .* by `towline url r`$/]);
  const back = await daemon.reach('r', 'connected');
  // The wall clock is read anew each time, to the ms.
  t.ok(Math.abs(upSince(back) - upSince(before)) < 1_000, 'the link counts from its own beginning');
  t.not(daemon.status('r').lanes[0]?.backend?.run, before.lanes[0]?.backend?.run);
  t.same([...new Set(words)].toSorted(), ['connected', 'degraded']);
  t.equal(count(daemon.events, 'link.opened'), 1, 'the link is told of once');
  const answer = within('the echo', new Promise((resolve) => open.once('data', resolve)));
  open.write('still here');
  t.equal(String(await answer), 'still here', 'who was connected still is');
  open.destroy();
});

test('the client that finds the backend gone is held for the next one', async (t) => {
  const { moody, daemon } = await startBoth(t, {}, '60s');
  await moody.kill();
  t.equal(await ask(daemon.port('r')), 403);
  t.equal(moody.started(), 2);
  t.equal(count(daemon.events, 'connection.refused'), 0);
});

test('a backend that does not come up again degrades its relay: its clients are reset with the reason, all others stay', async (t) => {
  const { moody, daemon, state, backing } = await startBoth(t);
  const open = await dial(daemon.port('r', 1));
  moody.starts('exit');
  const after = daemon.supervisor.status().id;
  await moody.kill();
  await state('it is missed', backing('trying'), after);
  const held = ask(daemon.port('r'));
  await state('it is given up', backing('blocked'), after, 60_000);
  t.equal(await held, 'ECONNRESET', 'who was held is reset at once');
  const { standing, forwards } = daemon.status('r');
  t.match(standing, { word: 'degraded', fault: { code: 'LAUNCH_FAILED', message: /"not in the mood"/ } });
  t.ok((standing.until ?? 0) > Date.now() + 240_000, 'it gets a long rest');
  t.match(forwards, [{ judgement: 'unwell', judgeFault: { code: 'LAUNCH_FAILED' } }, { judgement: 'unverified' }]);
  t.equal(await ask(daemon.port('r')), 'ECONNRESET');
  const refused = daemon.events.filter((event) => event.type === 'connection.refused');
  t.match(refused, [{ forward: 0, fault: { code: 'LAUNCH_FAILED' } }]);
  t.equal((await exchange(daemon.port('r', 1), 'x')).toString(), 'x');
  moody.starts(0);
  await daemon.supervisor.startRelay('r');
  await daemon.reach('r', 'connected', 60_000);
  t.equal(count(daemon.events, 'link.opened'), 1);
  const answer = within('the echo', new Promise((resolve) => open.once('data', resolve)));
  open.write('still here');
  t.equal(String(await answer), 'still here');
  open.destroy();
});

test('a relay that is restarted while its backend comes up again lets its connections end', async (t) => {
  const { moody, daemon, state, backing } = await startBoth(t);
  const open = await dial(daemon.port('r', 1));
  const after = daemon.supervisor.status().id;
  moody.starts(60_000);
  await moody.kill();
  await state('it is missed', backing('trying'), after);
  const ended = daemon.supervisor.restartRelay('r');
  await state('it drains', ({ at }) => at === 'draining', after);
  const answer = within('the echo', new Promise((resolve) => open.once('data', resolve)));
  open.write('the last word');
  t.equal(String(await answer), 'the last word');
  const closed = fate(open);
  open.end();
  t.equal(await closed, 'end');
  await within('the restart', ended, 30_000);
});

test('a link that is lost while its backend comes up again is dialed again at once', async (t) => {
  const { sshd, moody, daemon, state, backing } = await startBoth(t, { settle: '1s' });
  await state('it has settled', () => true, 0);
  const after = daemon.supervisor.status().id;
  moody.starts(2_000);
  await moody.kill();
  await state('it is missed', backing('trying'), after);
  sshd.killSessions();
  await state('the loss', ({ at }) => at === 'dialing', after, 3_000);
  t.equal(daemon.status('r').standing.word, 'reconnecting');
  await daemon.reach('r', 'connected', 60_000);
  t.equal(moody.started(), 2, 'the one that was on its way is adopted');
});

test('a backend that was stopped on purpose is revived by its user only, over the old link or a new one', async (t) => {
  const { sshd, moody, daemon, state, backing } = await startBoth(t);
  const stop = async () => {
    const link = await openTestLink(t, { sshConfigFile: sshd.sshConfigFile });
    await endBackend(remoteHost(link), 'r', { forGood: true });
    link.close();
  };
  // A wish that is fulfilled is none any more.
  await daemon.supervisor.startRelay('r');
  let after = daemon.supervisor.status().id;
  await stop();
  await state('it is found stopped', backing('blocked'), after);
  t.match(daemon.status('r').standing, { word: 'degraded', fault: { code: 'BACKEND_STOPPED' }, until: null });
  t.equal(await ask(daemon.port('r')), 'ECONNRESET');

  after = daemon.supervisor.status().id;
  appendFileSync(sshd.sshConfigFile, '\n# another host\n');
  const tried = await state('a file changes', backing('trying'), after);
  const found = await state('it stays stopped', backing('blocked'), tried.id);

  await daemon.supervisor.retoken('r');
  const again = await state('a token is set', backing('trying'), found.id);
  await state('it stays stopped', backing('blocked'), again.id);

  after = daemon.supervisor.status().id;
  sshd.killSessions();
  await state('it is stopped over the next link too', backing('blocked'), after);
  t.match(daemon.status('r').standing, { word: 'degraded', fault: { code: 'BACKEND_STOPPED' }, until: null });
  after = daemon.supervisor.status().id;
  appendFileSync(sshd.sshConfigFile, '\n# and one more\n');
  const once = await state('a file changes', backing('trying'), after);
  await state('it stays stopped', backing('blocked'), once.id);
  t.equal(moody.started(), 1);

  await daemon.supervisor.startRelay('r');
  await daemon.reach('r', 'connected', 60_000);
  after = daemon.supervisor.status().id;
  await stop();
  await state('it is found stopped', backing('blocked'), after);
  await daemon.supervisor.startRelay('r');
  await daemon.reach('r', 'connected', 60_000);
  t.equal(moody.started(), 3);
});
