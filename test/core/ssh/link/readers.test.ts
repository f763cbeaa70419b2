import { test } from 'tap';
import { Readers } from '../../../../src/core/ssh/link/readers.ts';

test('who has not asked for more in the last two spans shares no more, whether or not anybody looks meanwhile', (t) => {
  const readers = new Readers(500);
  t.equal(readers.count, 1, 'whoever asks is one');
  for (let at = 0; at < 60_000; at += 10) {
    readers.add({}, at);
    t.ok(readers.count <= 51, `${readers.count} at ${at}`);
  }
  const steady = {};
  for (let at = 60_000; at < 62_000; at += 10) readers.add(steady, at);
  t.equal(readers.count, 1);
  t.equal(readers.part(1_000_000), 1_000_000);
  t.end();
});
