import { test } from 'tap';
import { orAborted } from '../../../src/core/model/or-aborted.ts';

test('an answer that nobody waits for from the beginning may fail: that ends no process', async (t) => {
  const gone = AbortSignal.abort(new Error('given up'));
  const unheard: unknown[] = [];
  const hear = (reason: unknown) => void unheard.push(reason);
  process.on('unhandledRejection', hear);
  t.teardown(() => process.off('unhandledRejection', hear));
  await t.rejects(orAborted(Promise.reject(new Error('late')), gone), { message: /^given up$/ });
  await new Promise((resolve) => setImmediate(resolve));
  t.same(unheard, []);
});
