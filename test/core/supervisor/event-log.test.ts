import { test } from 'tap';
import { EventLog } from '../../../src/core/supervisor/event-log.ts';

const warn = (text: string) => ({ type: 'daemon.warned', text }) as const;

test('a reader that adds an event in its turn is overtaken by nobody: all read the same order', (t) => {
  const log = new EventLog();
  const read: Readonly<Record<'adder' | 'other' | 'late', number[]>> = { adder: [], other: [], late: [] };
  log.subscribe(0, ({ id }) => {
    read.adder.push(id);
    if (id === 1) log.add(warn('second'));
    if (id === 2) log.add(warn('third'));
    t.equal(log.snapshot.id, Math.min(3, id + 1), 'it is in the snapshot at once');
  });
  log.subscribe(0, ({ id }) => read.other.push(id));
  log.add(warn('first'));
  log.subscribe(1, ({ id }) => read.late.push(id));
  t.same(read, { adder: [1, 2, 3], other: [1, 2, 3], late: [2, 3] });
  t.end();
});

test('a reader that is told what was before hears of what comes meanwhile after that, and who has left of nothing', (t) => {
  const log = new EventLog();
  for (const text of ['1', '2', '3']) log.add(warn(text));
  const read: number[] = [];
  const leave = log.subscribe(1, ({ id }) => {
    read.push(id);
    if (id === 2) log.add(warn('4'));
    if (id === 5) leave();
  });
  t.same(read, [2, 3, 4]);
  const before: number[] = [];
  log.subscribe(99, ({ id }) => {
    before.push(id);
    if (id === 5) log.add(warn('6'));
  });
  log.add(warn('5'));
  t.same(
    [read, before],
    [
      [2, 3, 4, 5],
      [5, 6],
    ],
  );
  t.end();
});

test('who comes late gets the last thousand', (t) => {
  const log = new EventLog();
  for (let count = 0; count < 1_500; count += 1) log.add(warn('x'));
  const read: number[] = [];
  log.subscribe(0, ({ id }) => read.push(id));
  t.same([read.length, read[0], read.at(-1)], [1_000, 501, 1_500]);
  t.end();
});
