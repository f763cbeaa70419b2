import tap, { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { exchange, fateOf } from '../../fixtures/client.ts';
import { makeMoody } from '../../fixtures/moody.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';

// A second link beside one that hangs, while the backend is missing over either.

tap.jobs = 3;
const parallel = () => ({ buffered: true });

async function startBoth(t: Owner, starts: number | 'exit', hold: string) {
  const sshd = await startSshd(t);
  const [moody, echo] = [makeMoody(t), await startEcho(t)];
  moody.starts(starts);
  const forwards = [{ listen: 0, target: 'backend', health: null }, `0:127.0.0.1:${echo.port}`];
  const r = { host: 'test', forwards, plugins: [moody.plugin], hold: { time: hold } };
  const daemon = await supervise(t, sshd, { r });
  /** Freezes what there is of links by now. Returns the event number of before. */
  const freeze = () => {
    const frozen = sshd.freezeSessions();
    t.teardown(() => signal(frozen, 'SIGCONT'));
    return { frozen, after: daemon.supervisor.status().id };
  };
  const stage = (wanted: string) => (event: Event) => event.type === 'lane.advanced' && event.stage === wanted;
  return { moody, daemon, freeze, stage };
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended already.
    }
  }
}

const ask = (port: number) => fetch(`http://127.0.0.1:${port}/`).then(({ status }) => status);

const isResting = (event: Event) =>
  event.type === 'lane.changed' && event.state.at === 'up' && event.state.backing?.at === 'blocked';

test(
  'a second link without a backend takes the place of a first one without: what needs none is served over it',
  parallel(),
  async (t) => {
    const { moody, daemon, freeze } = await startBoth(t, 'exit', '30s');
    await daemon.next('its rest', isResting, 0, 60_000);
    const { after } = freeze();
    t.equal((await exchange(daemon.port('r', 1), 'x')).toString(), 'x');
    const { id } = await daemon.next('the second link', (event) => event.type === 'link.replaced', after);
    await daemon.next('the rest over that', isResting, id, 60_000);
    t.match(daemon.status('r').lanes, [{ state: { at: 'up', kept: [0], beside: null } }]);
    t.match(daemon.status('r').standing, { word: 'degraded', fault: { code: 'LAUNCH_FAILED' } });
    t.equal(await fateOf(daemon.port('r')), 'ECONNRESET');
    t.equal((await exchange(daemon.port('r', 1), 'x')).toString(), 'x');
    moody.starts(0);
    await daemon.supervisor.startRelay('r');
    await daemon.reach('r', 'connected', 60_000);
    t.equal(daemon.events.filter(({ type }) => type === 'link.opened').length, 2);
  },
);

test(
  'while a second link launches, the clock of who waits for the backend stands still, that of all others runs',
  parallel(),
  async (t) => {
    const { moody, daemon, freeze, stage } = await startBoth(t, 0, '4s');
    await daemon.reach('r', 'connected', 60_000);
    moody.starts(9_000);
    const { after } = freeze();
    await moody.kill();
    const began = performance.now();
    const held = ask(daemon.port('r'));
    await daemon.next('the launch', stage('backend'), after);
    t.match(daemon.status('r').lanes, [{ state: { at: 'up', backing: null, beside: { at: 'dialing' } } }]);
    t.equal(await fateOf(daemon.port('r', 1), 20_000), 'ECONNRESET');
    t.match(daemon.status('r').lanes, [{ state: { at: 'up', beside: { at: 'dialing' } } }], 'it is not there yet');
    t.equal(await held, 403);
    t.ok(performance.now() - began > 8_000, 'longer than anybody is held');
    t.match(daemon.status('r').lanes, [{ state: { at: 'up', backing: null, beside: null } }]);
  },
);

test(
  'where the first link ends while the second one launches, that goes on, and what needs no backend is served',
  parallel(),
  async (t) => {
    const { moody, daemon, freeze, stage } = await startBoth(t, 0, '30s');
    await daemon.reach('r', 'connected', 60_000);
    moody.starts(8_000);
    const { frozen, after } = freeze();
    await moody.kill();
    const held = ask(daemon.port('r'));
    await daemon.next('the launch', stage('backend'), after);
    signal(frozen, 'SIGKILL');
    t.equal((await exchange(daemon.port('r', 1), 'x')).toString(), 'x');
    t.match(daemon.status('r').lanes, [{ state: { at: 'up', kept: [0], backing: { at: 'trying', fresh: true } } }]);
    t.equal(await held, 403);
    await daemon.reach('r', 'connected');
    t.equal(moody.started(), 2, 'nothing was begun twice');
    t.equal(daemon.events.filter(({ type }) => type === 'link.opened').length, 2);
  },
);
