import { Writable } from 'node:stream';
import { test } from 'tap';
import { Rota, Sender } from '../../../../src/core/ssh/link/rota.ts';

const kib = 1024;

/** A link that takes `room` bytes at a time; `drained` makes room again. */
function outletOf(room: number) {
  const waiting: (() => void)[] = [];
  const outlet = {
    room,
    bearable: true,
    onceRoom: (listener: () => void) => void waiting.push(listener),
    gave(bytes: number) {
      outlet.room -= bytes;
    },
    drained() {
      outlet.room = room;
      for (const listener of waiting.splice(0)) listener();
    },
  };
  const rota = new Rota(outlet);
  const log: string[] = [];
  const sender = (name: string) => {
    const channel = new Writable({
      write(chunk: Buffer, _, done) {
        log.push(`${name} ${chunk.length / kib}`);
        done();
      },
      final(done) {
        log.push(`${name} end`);
        done();
      },
    });
    return new Sender(channel, rota);
  };
  return { outlet, log, sender };
}

const nothing = () => undefined;

test('while there is room all is written at once, and in one piece', (t) => {
  const { log, sender } = outletOf(512 * kib);
  const one = sender('one');
  one.send(Buffer.alloc(256 * kib), nothing);
  t.notOk(one.waiting);
  t.same(log, ['one 256']);
  t.end();
});

test('without room the senders write in turn, whatever each has', (t) => {
  const { outlet, log, sender } = outletOf(64 * kib);
  const [one, two, three] = [sender('one'), sender('two'), sender('three')];
  outlet.room = 0;
  for (const each of [one, two, three]) each.send(Buffer.alloc(96 * kib), nothing);
  t.same(log, []);
  t.ok(one.waiting);
  for (let n = 0; n < 3; n += 1) outlet.drained();
  t.same(log, ['one 32', 'two 32', 'three 32', 'one 32', 'two 32', 'three 32']);
  t.end();
});

test('who sends little goes first, but only while it is little', (t) => {
  const { outlet, log, sender } = outletOf(64 * kib);
  const [bulk, typist] = [sender('bulk'), sender('typist')];
  outlet.room = 0;
  bulk.send(Buffer.alloc(128 * kib), nothing);
  for (let n = 0; n < 6; n += 1) typist.send(Buffer.alloc(4 * kib), nothing);
  t.same(
    log,
    Array.from({ length: 4 }, () => 'typist 4'),
  );
  t.ok(typist.waiting);
  outlet.bearable = false;
  const other = sender('other');
  other.send(Buffer.alloc(1), nothing);
  t.ok(other.waiting, 'nobody does where the link is fuller than full');
  t.end();
});

test('all is handed over before the end, and who feeds a sender hears when it is', (t) => {
  const { outlet, log, sender } = outletOf(48 * kib);
  const one = sender('one');
  outlet.room = 0;
  let [empty, flushed] = [0, 0];
  one.onEmpty = () => {
    empty += 1;
  };
  one.send(Buffer.alloc(80 * kib), () => {
    flushed += 1;
  });
  outlet.drained();
  t.same([log, empty, flushed], [['one 48'], 0, 0]);
  outlet.drained();
  t.same([log, empty], [['one 48', 'one 32'], 1]);
  one.send(Buffer.alloc(32 * kib), nothing);
  one.end();
  outlet.drained();
  setImmediate(() => {
    t.same(log.slice(2), ['one 32', 'one end']);
    t.equal(flushed, 1);
    t.end();
  });
});

test('one that was stopped writes no more, and holds nobody up', (t) => {
  const { outlet, log, sender } = outletOf(64 * kib);
  const [one, two] = [sender('one'), sender('two')];
  outlet.room = 0;
  one.send(Buffer.alloc(96 * kib), nothing);
  two.send(Buffer.alloc(32 * kib), nothing);
  one.stop();
  outlet.drained();
  t.same(log, ['two 32']);
  t.end();
});

test('an empty chunk that waits holds nobody up', (t) => {
  const { outlet, log, sender } = outletOf(64 * kib);
  const one = sender('one');
  outlet.room = 0;
  outlet.bearable = false;
  for (const length of [kib, 0, kib]) one.send(Buffer.alloc(length), nothing);
  one.end();
  outlet.drained();
  t.notOk(one.waiting);
  t.equal(log.at(-1), 'one end');
  t.end();
});
