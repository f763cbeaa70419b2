import { test } from 'tap';
import { Turnstile } from '../../../src/core/model/turnstile.ts';

test('so many are let through at once, the others in their order as places become free', (t) => {
  const turnstile = new Turnstile(2);
  const entered: string[] = [];
  const leave = new Map<string, () => void>();
  const enter = (name: string) =>
    turnstile.enter((left) => {
      entered.push(name);
      leave.set(name, left);
    });
  for (const name of ['a', 'b', 'c', 'd']) enter(name);
  t.same(entered, ['a', 'b']);
  leave.get('b')?.();
  t.same(entered, ['a', 'b', 'c']);
  leave.get('b')?.();
  t.same(entered, ['a', 'b', 'c'], 'who leaves twice frees one place');
  leave.get('a')?.();
  t.same(entered, ['a', 'b', 'c', 'd']);
  leave.get('c')?.();
  leave.get('d')?.();
  enter('e');
  enter('f');
  enter('g');
  t.same(entered.slice(4), ['e', 'f'], 'all places were free again');
  t.end();
});

test('who leaves at once lets the next one in, in order and however many wait', (t) => {
  const turnstile = new Turnstile(1);
  const entered: number[] = [];
  let open: () => void = () => undefined;
  turnstile.enter((leave) => {
    open = leave;
  });
  for (let n = 0; n < 1_000; n++) {
    turnstile.enter((leave) => {
      entered.push(n);
      leave();
    });
  }
  t.same(entered, []);
  open();
  t.same(
    entered,
    Array.from({ length: 1_000 }, (_, n) => n),
  );
  t.end();
});
