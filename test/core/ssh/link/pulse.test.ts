import { test } from 'tap';
import { Pulse } from '../../../../src/core/ssh/link/pulse.ts';
import { waitUntil } from '../../../fixtures/wait.ts';

function begin(t: { teardown(end: () => void): void }, interval: number, count: number) {
  const heard: string[] = [];
  const say = (word: string) => () => void heard.push(word);
  const began = performance.now();
  const times = new Map<string, number>();
  const mark = (word: string) => () => {
    heard.push(word);
    if (!times.has(word)) times.set(word, performance.now() - began);
  };
  const pulse = new Pulse(
    { interval, count },
    {
      ping: say('ping'),
      doubted: mark('doubted'),
      trusted: mark('trusted'),
      silent: mark('silent'),
    },
  );
  // Its own timer keeps no process alive.
  const alive = setInterval(() => undefined, 1_000);
  t.teardown(() => {
    clearInterval(alive);
    pulse.stop();
  });
  return { pulse, heard, times };
}

test('silence is asked about after the interval, doubted after half the time, and dead after the whole', async (t) => {
  const { heard, times } = begin(t, 100, 3);
  await waitUntil('its end', () => heard.includes('silent'));
  t.same([...new Set(heard)], ['ping', 'doubted', 'silent']);
  t.ok((times.get('doubted') ?? 0) >= 195, `doubted after ${times.get('doubted')} ms`);
  t.ok((times.get('silent') ?? 0) >= 395, `dead after ${times.get('silent')} ms`);
});

test('any byte ends a doubt, and nobody is told where there was none', (t) => {
  const { pulse, heard } = begin(t, 60_000, 3);
  pulse.beat();
  pulse.suspect();
  pulse.suspect();
  t.not(pulse.doubtedSince, null);
  pulse.beat();
  pulse.beat();
  t.equal(pulse.doubtedSince, null);
  t.same(heard, ['ping', 'doubted', 'ping', 'trusted']);
  t.end();
});

test('after a wake it has the whole time once more, and is asked at once', async (t) => {
  const { pulse, heard, times } = begin(t, 100, 3);
  await waitUntil('half of it', () => heard.includes('doubted'));
  const woke = performance.now();
  const asked = heard.length;
  pulse.wake();
  t.same(heard.slice(asked), ['ping'], 'before anything else can happen');
  t.ok(pulse.quietFor() < 50);
  const before = times.get('doubted') ?? 0;
  await waitUntil('its end', () => heard.includes('silent'));
  const took = performance.now() - woke;
  t.ok(took >= 395, `${took} ms after the wake, doubted ${before} ms after its beginning`);
  t.equal(heard.filter((word) => word === 'doubted').length, 1, 'it is one doubt');
});

test('a process that stood still forgives the silence in which nobody could hear', async (t) => {
  const { heard } = begin(t, 50, 1);
  const stood = performance.now();
  // Stands still for longer than the link may be silent.
  while (performance.now() - stood < 1_300);
  await waitUntil('it is asked', () => heard.includes('doubted'));
  t.notOk(heard.includes('silent'));
  await waitUntil('its end', () => heard.includes('silent'));
  t.ok(performance.now() - stood >= 1_300 + 45);
});

test('what it is late is all that a busy machine is forgiven', async (t) => {
  const { heard, times } = begin(t, 600, 1);
  await waitUntil('half of it', () => heard.includes('doubted'));
  const stood = performance.now();
  while (performance.now() - stood < 1_300);
  await waitUntil('its end', () => heard.includes('silent'));
  const dead = times.get('silent') ?? 0;
  t.ok(dead >= 600 + 1_300 && dead < 600 + 1_300 + 900, `dead after ${dead} ms`);
});
