import { test } from 'tap';
import { localMutex } from '../../../src/core/plugin/mutex.ts';
import { within } from '../../fixtures/wait.ts';

test('who is not wanted any more does not wait for his turn, and the next one has it', async (t) => {
  const mutex = localMutex();
  const { signal } = new AbortController();
  let end: () => void = () => undefined;
  const seen: string[] = [];
  const first = mutex(
    () =>
      new Promise<void>((resolve) => {
        seen.push('first');
        end = resolve;
      }),
    signal,
  );
  const given = new AbortController();
  const second = mutex(async () => void seen.push('second'), given.signal);
  const third = mutex(async () => void seen.push('third'), signal);
  given.abort(new Error('given up'));
  await t.rejects(within('the end of the second', second), { message: /^given up$/ });
  await t.rejects(
    mutex(async () => void seen.push('never'), given.signal),
    { message: 'given up' },
  );
  t.same(seen, ['first'], 'the first one is still at it');
  end();
  await first;
  await within('the turn of the third', third);
  t.same(seen, ['first', 'third']);
});
