import { once } from 'node:events';
import { test } from 'tap';
import { type LoopTime, watchLoop } from '../../../src/core/supervisor/loop-watch.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { dial } from '../../fixtures/client.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil } from '../../fixtures/wait.ts';

/** Keeps the event loop of this process busy for so long, ms. */
function block(time: number): void {
  for (const end = performance.now() + time; performance.now() < end; );
}

test('F76: a supervisor whose event loop was blocked says so once, for how long, and nobody was cut', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const open = await dial(relays.port('r'));
  t.teardown(() => open.destroy());
  const { id } = relays.supervisor.status();
  const told = relays.next('its word', (event) => event.type === 'daemon.warned', id);
  block(5_000);
  const { text } = (await told) as unknown as { text: string };
  const [, seconds = ''] = /busy with one thing for (\d\.\d) s/.exec(text) ?? [];
  t.ok(Number(seconds) >= 4 && Number(seconds) < 8, text);
  const answer = once(open, 'data');
  open.write('still here');
  t.equal(String((await answer)[0]), 'still here');
  const after = relays.events.filter((event) => event.id > id && event.type !== 'daemon.warned');
  t.same(
    after.filter(({ type }) => /^(lane|link|worker|relay)\./.test(type)),
    [],
  );
  t.equal(relays.events.filter(({ type }) => type === 'daemon.warned').length, 1);
});

test('a process that was stopped, or slept, or is only a little late was not busy', async (t) => {
  const told: number[] = [];
  let looks = 0;
  const moved = { now: 0, used: 0 };
  const read = (): LoopTime => {
    looks += 1;
    return { now: performance.now() + moved.now, used: moved.used };
  };
  t.teardown(watchLoop((time) => told.push(time), read));
  // What keeps the test alive; the watch alone must not.
  const alive = setInterval(() => undefined, 1_000);
  t.teardown(() => clearInterval(alive));
  const look = async () => {
    const before = looks;
    await waitUntil('a look', () => looks > before);
  };
  await look();
  for (const [passed, used, wanted] of [
    [15_000, 20, 0],
    [2_000, 2_000, 0],
    [8_000, 3_000, 1],
  ] as const) {
    moved.now += passed;
    moved.used += used;
    await look();
    t.equal(told.splice(0).length, wanted, `${passed} ms, ${used} of them used`);
  }
});
