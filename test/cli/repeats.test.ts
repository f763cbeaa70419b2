import { test } from 'tap';
import { Repeats } from '../../src/cli/repeats.ts';

test('a wrong code is told once, above the password that is asked for anew', async (t) => {
  const repeats = new Repeats();
  const ask = (about: string, again: boolean) => repeats.tell('db', { about, again });
  t.strictSame([ask('password', false), ask('code', false)], [false, false]);
  t.strictSame([ask('password', true), ask('code', true)], [true, false]);
  t.strictSame([ask('password', true), ask('code', true)], [true, false], 'and so each time');
});

test('a wrong password before any code is told, and another relay is told for itself', async (t) => {
  const repeats = new Repeats();
  t.notOk(repeats.tell('db', { about: 'password', again: false }));
  t.ok(repeats.tell('db', { about: 'password', again: true }));
  t.ok(repeats.tell('web', { about: 'code', again: true }));
  t.notOk(repeats.tell('db', { about: 'code', again: false }));
  t.ok(repeats.tell('db', { about: 'code', again: true }), 'another login');
});
