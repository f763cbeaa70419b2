import { test } from 'tap';
import { Fault } from '../../../src/core/model/fault.ts';
import { Refusals } from '../../../src/core/supervisor/relay/refusals.ts';

test('refused clients are told at once and then counted, each reason and forward apart', (t) => {
  const said: string[] = [];
  const refusals = new Refusals((forward, fault, count) => said.push(`${forward} ${fault.code} ${count}`));
  const [expired, refused] = [new Fault('HOLD_EXPIRED', 'x').report(), new Fault('ADMISSION_REFUSED', 'y').report()];
  refusals.add(0, expired);
  for (let n = 0; n < 40; n += 1) refusals.add(0, refused);
  refusals.add(1, refused);
  t.same(said, ['0 HOLD_EXPIRED 1', '0 ADMISSION_REFUSED 1', '1 ADMISSION_REFUSED 1']);
  refusals.flush();
  t.same(said.slice(3), ['0 ADMISSION_REFUSED 39']);
  refusals.flush();
  t.equal(said.length, 4, 'nothing is told twice');
  t.same(refusals.counts, { refused: 42, refusedBy: { HOLD_EXPIRED: 1, ADMISSION_REFUSED: 41 } });
  t.end();
});
