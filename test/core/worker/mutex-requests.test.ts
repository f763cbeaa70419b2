import { test } from 'tap';
import { Turnstile } from '../../../src/core/model/turnstile.ts';
import type { Mutex } from '../../../src/core/plugin/mutex.ts';
import type { ToSupervisor } from '../../../src/core/protocol.ts';
import { LaneMutex } from '../../../src/core/supervisor/relay/lane-mutex.ts';
import { MutexRequests } from '../../../src/core/worker/mutex-requests.ts';

/** One lane in a worker of its own, and the supervisor's side of it. */
function lane(id: string, turnstile: Turnstile): { readonly mutex: Mutex; readonly gone: () => void } {
  const requests = new MutexRequests((message: ToSupervisor) => {
    if (message.say === 'acquire') mine.acquire(message.request);
    if (message.say === 'release') mine.release(message.request);
  });
  const mine = new LaneMutex(turnstile, (request) => requests.acquired(id, request));
  return { mutex: requests.of(id), gone: () => mine.clear() };
}

/** A call that lasts until it is ended. */
function call(name: string, seen: string[]): { readonly run: () => Promise<void>; readonly end: () => void } {
  let end: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const run = async () => {
    seen.push(name);
    await over;
    seen.push(`${name} ends`);
  };
  return { run, end };
}

const { signal } = new AbortController();

test('lanes in different workers run one at a time, in the order of asking', async (t) => {
  const turnstile = new Turnstile(1);
  const lanes = [lane('r#0', turnstile), lane('r#1', turnstile)] as const;
  const seen: string[] = [];
  const calls = [call('first', seen), call('second', seen), call('third', seen)];
  const runs = calls.map(({ run }, index) => (index === 1 ? lanes[1] : lanes[0]).mutex(run, signal));
  for (const { end } of calls.toReversed()) end();
  await Promise.all(runs);
  t.same(seen, ['first', 'first ends', 'second', 'second ends', 'third', 'third ends']);
});

test('what fails, is given up or dies with its worker keeps nobody out', async (t) => {
  const turnstile = new Turnstile(1);
  const lanes = [lane('r#0', turnstile), lane('r#1', turnstile)] as const;
  const seen: string[] = [];
  const holder = call('holder', seen);
  const held = lanes[0].mutex(holder.run, signal);
  const stop = new AbortController();
  const left = lanes[1].mutex(call('left', seen).run, stop.signal);
  stop.abort(new Error('not wanted any more'));
  await t.rejects(left, { message: 'not wanted any more' });
  holder.end();
  await held;
  await t.rejects(
    lanes[0].mutex(() => Promise.reject(new Error('failed')), signal),
    { message: 'failed' },
  );
  void lanes[0].mutex(call('dies', seen).run, signal);
  const next = call('next', seen);
  const waits = lanes[1].mutex(next.run, signal);
  lanes[0].gone();
  next.end();
  await waits;
  t.same(seen, ['holder', 'holder ends', 'dies', 'next', 'next ends']);
});
