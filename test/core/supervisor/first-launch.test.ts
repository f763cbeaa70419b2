import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { exchange } from '../../fixtures/client.ts';
import { makeMoody } from '../../fixtures/moody.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { type Supervised, supervise } from '../../fixtures/supervised.ts';

// The first launch over a new link, which takes its time.

const isFresh = (event: Event) =>
  event.type === 'lane.changed' && event.state.at === 'up' && event.state.backing?.at === 'trying';

/** The words that a relay has had since event number `after`. */
function wordsOf(daemon: Supervised, after: number): string[] {
  const words: string[] = [];
  daemon.supervisor.subscribe(after, () => {
    const { word } = daemon.status('r').standing;
    if (words.at(-1) !== word) words.push(word);
  });
  return words;
}

const ask = (port: number) => fetch(`http://127.0.0.1:${port}/`).then(({ status }) => status);

test('what does not lead to the backend is served while that is launched the first time; its own clients wait for it', async (t) => {
  const sshd = await startSshd(t);
  const [moody, echo] = [makeMoody(t), await startEcho(t)];
  moody.starts(6_000);
  const forwards = [{ listen: 0, target: 'backend', health: moody.health }, `0:127.0.0.1:${echo.port}`];
  const r = { host: 'test', forwards, plugins: [moody.plugin], hold: { time: '3s' } };
  const daemon = await supervise(t, sshd, { r });
  const words = wordsOf(daemon, 0);
  const began = performance.now();
  const held = ask(daemon.port('r'));
  await daemon.next('the link', isFresh);
  t.equal((await exchange(daemon.port('r', 1), 'x')).toString(), 'x');
  const { standing, lanes, counters } = daemon.status('r');
  t.match(lanes, [{ state: { at: 'up', kept: [0], backing: { at: 'trying', fresh: true } }, backend: null }]);
  t.match(standing, { word: 'connecting', reason: /^the link is up, bringing its backend/ });
  t.equal(counters.held, 1);
  t.equal(await held, 403, 'it was served by the backend');
  const waited = performance.now() - began;
  t.ok(waited > 5_000, `its clock stood still: ${waited}`);
  await daemon.reach('r', 'connected');
  t.same(
    words.filter((word) => word !== 'offline'),
    ['connecting', 'connected'],
  );

  const after = daemon.supervisor.status().id;
  const again = wordsOf(daemon, after);
  await moody.kill();
  sshd.killSessions();
  await daemon.next('the next link', isFresh, after);
  t.equal((await exchange(daemon.port('r', 1), 'x')).toString(), 'x', 'nor over any other new link');
  t.match(daemon.status('r').lanes, [{ state: { backing: { at: 'trying' } } }]);
  await daemon.reach('r', 'connected', 60_000);
  t.notOk(again.includes('degraded'), again.join(' '));
  t.equal(moody.started(), 2);
});

test('a relay whose only forward leads to the backend is connecting until that is proved, then connected', async (t) => {
  const sshd = await startSshd(t);
  const moody = makeMoody(t);
  moody.starts(2_000);
  const r = { host: 'test', forwards: ['0:backend'], plugins: [moody.plugin] };
  const daemon = await supervise(t, sshd, { r });
  const words = wordsOf(daemon, 0);
  await daemon.next('the link', isFresh);
  t.equal(daemon.status('r').standing.word, 'connecting');
  await daemon.reach('r', 'connected', 60_000);
  t.ok(daemon.events.some(({ type }) => type === 'backend.ready'));
  t.same(
    words.filter((word) => word !== 'offline'),
    ['connecting', 'connected'],
  );
  const after = daemon.supervisor.status().id;
  const again = wordsOf(daemon, after);
  sshd.killSessions();
  await daemon.next('it is found', (event) => event.type === 'backend.ready', after, 60_000);
  await daemon.reach('r', 'connected');
  t.same(
    again.filter((word) => word !== 'connected'),
    ['reconnecting'],
  );
});

test('where its port is fixed a forward that names that waits for it, however it names it, and no other one does', async (t) => {
  const sshd = await startSshd(t);
  const [moody, echo, port, other] = [makeMoody(t), await startEcho(t), await freePort(), await freePort()];
  moody.starts(4_000);
  const forwards = [`0:127.0.0.1:${port}`, `0:127.0.0.1:${echo.port}`, { kind: 'dynamic', listen: 0 }];
  const daemon = await supervise(t, sshd, {
    r: { host: 'test', forwards, plugins: [{ ...moody.plugin, port }] },
    both: {
      host: 'test',
      forwards: [{ listen: 0, target: 'backend' }, `0:127.0.0.1:${other}`, `0:127.0.0.1:${echo.port}`],
      plugins: [{ ...moody.plugin, port: other }],
    },
  });
  const first = (relay: string) =>
    daemon.next(`the link of ${relay}`, (event) => isFresh(event) && 'relay' in event && event.relay === relay);
  const [one, both] = await Promise.all([first('r'), first('both')]);
  t.match(one, { state: { kept: [0] } });
  t.match(both, { state: { kept: [0, 1] } });
  const answered = await exchange(daemon.port('r', 1), 'x');
  t.equal(String(answered), 'x');
  t.match(daemon.status('r').lanes, [{ state: { backing: { at: 'trying', fresh: true } } }], 'while it is launched');
  await daemon.reach('r', 'connected', 60_000);
});
