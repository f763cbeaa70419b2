import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'tap';
import { timeoutSignal } from '../../../src/core/model/timeout-signal.ts';
import { within } from '../../fixtures/wait.ts';

test('a timeout comes, though only a signal that was made of it waits for it, and all else was collected', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const other = new AbortController();
  const aborted = Promise.all(
    Array.from({ length: 100 }, () => once(AbortSignal.any([other.signal, timeoutSignal(200)]), 'abort')),
  );
  for (let round = 0; round < 10; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  t.equal((await within('all of them', aborted, 5_000)).length, 100);
});

test('nothing waits by the signal that may never come', (t) => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const users = files.filter((file) => /AbortSignal\.timeout\(/.test(readFileSync(`src/${file}`, 'utf8')));
  t.ok(files.length > 100);
  t.same(
    users.filter((file) => file !== 'core/model/timeout-signal.ts'),
    [],
  );
  t.end();
});
