import tap, { test } from 'tap';
import { noNamespaces } from '../fixtures/namespace.ts';
import { isFar, isFull, losesSome } from './bad-roads.ts';

// The minute is the fault itself, and all spend it together.
tap.jobs = 3;
const minute = 60_000;
const parallel = () => ({ buffered: true, skip: noNamespaces });

test('F14: a minute with a tenth of all packets lost each way costs no link', parallel(), (t) => losesSome(t, minute));

test('F15: half a minute of 1 Mbit/s with a full pipe costs no link, and others get their turn', parallel(), (t) =>
  isFull(t, minute / 2),
);

test('F16: half a minute of 500 ms +- 400 ms delay each way costs no link', { buffered: true }, (t) =>
  isFar(t, minute / 2),
);
