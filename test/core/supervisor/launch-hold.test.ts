import { test } from 'tap';
import { fateOf } from '../../fixtures/client.ts';
import { makeMoody } from '../../fixtures/moody.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';

const slow = { use: 'launch', command: 'sleep 3; exit 3' };

test('a client that came before its backend was launched is served by it, however short hold.time is', async (t) => {
  const moody = makeMoody(t);
  moody.starts(8_000);
  const r = { host: 'test', forwards: ['0:backend'], plugins: [moody.plugin], hold: { time: '4s' } };
  const daemon = await supervise(t, await startSshd(t), { r });
  const began = performance.now();
  const status = await fetch(`http://127.0.0.1:${daemon.port('r')}/`).then((answer) => answer.status);
  t.equal(status, 403, 'it is the backend that answers');
  t.ok(performance.now() - began > 7_500, `after ${Math.round(performance.now() - began)} ms`);
  t.match(daemon.status('r').counters, { accepted: 1, refused: 0 });
});

test('a client whose backend cannot be had is reset as soon as that is known, with the reason', async (t) => {
  const moody = makeMoody(t);
  moody.starts(1_500);
  moody.mood('401');
  const r = { host: 'test', forwards: ['0:backend'], plugins: [moody.plugin], hold: { time: '5m' } };
  const daemon = await supervise(t, await startSshd(t), { r });
  t.equal(await fateOf(daemon.port('r'), 60_000), 'ECONNRESET');
  const refused = daemon.events.find((event) => event.type === 'connection.refused');
  t.match(refused, { fault: { code: 'TOKEN_REFUSED' } });
});

test('between the tries to launch a backend the clock of who waits goes on', async (t) => {
  const r = { host: 'test', forwards: ['0:backend'], plugins: [slow], hold: { time: '1s' } };
  const daemon = await supervise(t, await startSshd(t), { r });
  await daemon.next('the launch', (event) => event.type === 'lane.advanced' && event.stage === 'backend');
  t.equal(await fateOf(daemon.port('r'), 60_000), 'ECONNRESET');
  const pause = daemon.events.find((event) => event.type === 'lane.advanced' && event.stage === 'pause');
  const refused = daemon.events.find((event) => event.type === 'connection.refused');
  t.match(refused, {
    fault: {
      code: 'HOLD_EXPIRED',
      message:
        /^a client waited 1 s for r in vain, besides \d s for its backend to start, and was reset; .*hold\.time$/,
    },
  });
  t.ok((pause?.id ?? 0) > 0 && (pause?.id ?? 0) < (refused?.id ?? 0), 'not before the first try had failed');
});

test('each try to launch a backend is told by its number, with its own clock and what the one before failed with', async (t) => {
  const plugin = { use: 'launch', command: 'echo loading; sleep 0.3; exit 3' };
  const daemon = await supervise(t, await startSshd(t), {
    r: { host: 'test', forwards: ['0:backend'], plugins: [plugin] },
  });
  const lane = () => daemon.status('r').lanes[0];
  let since = 0;
  for (const number of [1, 2, 3]) {
    await daemon.next(
      `try ${number}`,
      (event) => event.type === 'lane.advanced' && event.stage === 'backend' && event.bringing?.number === number,
    );
    const { bringing } = lane() ?? {};
    t.match(bringing, {
      number,
      of: 5,
      fault: number === 1 ? null : { code: 'LAUNCH_FAILED', message: /exit code 3/ },
    });
    t.ok((bringing?.since ?? 0) > since, 'it has a clock of its own');
    since = bringing?.since ?? 0;
    if (number > 1) t.match(daemon.status('r').standing.reason, new RegExp(`, try ${number} of 5$`));
    await daemon.next(
      `the end of try ${number}`,
      (event) => event.type === 'lane.advanced' && event.stage === 'pause' && event.bringing?.number === number,
    );
    t.match(daemon.status('r').standing.reason, new RegExp(`try ${number} of 5: .*exit code 3.*; again in \\d s$`));
  }
});
