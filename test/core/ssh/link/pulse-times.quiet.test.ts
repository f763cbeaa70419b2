import { test } from 'tap';
import { type Keepalive, detectTime } from '../../../../src/core/model/config.ts';
import { Pulse } from '../../../../src/core/ssh/link/pulse.ts';
import { waitUntil } from '../../../fixtures/wait.ts';

/** When each thing happened to a pulse that never hears a byte, ms. */
async function timesOf(keepalive: Keepalive): Promise<Readonly<Record<'asked' | 'doubted' | 'dead', number>>> {
  const times = { asked: 0, doubted: 0, dead: 0 };
  const began = performance.now();
  const mark = (what: keyof typeof times) => () => {
    if (times[what] === 0) times[what] = performance.now() - began;
  };
  const pulse = new Pulse(keepalive, {
    ping: mark('asked'),
    doubted: mark('doubted'),
    trusted: () => undefined,
    silent: mark('dead'),
  });
  try {
    // Its own timer keeps no process alive; this one does.
    await waitUntil('its end', () => times.dead > 0, { timeout: 60_000, every: 10 });
  } finally {
    pulse.stop();
  }
  return times;
}

test('a mute link counts as dead at 20 s of 5 s x 3 and at 4 s of 1 s x 3, and not a second, or a fifth of one, later', async (t) => {
  const [usual, fast] = await Promise.all(
    [
      { interval: 5_000, count: 3 },
      { interval: 1_000, count: 3 },
    ].map((keepalive) => timesOf(keepalive).then((times) => ({ ...times, detect: detectTime(keepalive) }))),
  );
  t.comment(JSON.stringify({ usual, fast }));
  if (usual === undefined || fast === undefined) throw new Error('no times');
  t.equal(usual.detect, 20_000);
  t.equal(fast.detect, 4_000);
  const between = (what: string, ms: number, least: number, most: number) =>
    t.ok(ms >= least - 5 && ms <= most, `${what} after ${ms} ms`);
  between('5 s x 3: asked', usual.asked, 5_000, 5_500);
  between('5 s x 3: doubted', usual.doubted, 10_000, 10_500);
  between('5 s x 3: dead', usual.dead, 20_000, 21_000);
  between('1 s x 3: asked', fast.asked, 1_000, 1_200);
  between('1 s x 3: doubted', fast.doubted, 2_000, 2_200);
  between('1 s x 3: dead', fast.dead, 4_000, 4_200);
});
