import { test } from 'tap';
import { RelayLife } from '../../../src/core/supervisor/relay/relay-life.ts';

/** A life whose deeds last until they are let go, one after the other. */
function start() {
  const told: string[] = [];
  const waiting: (() => void)[] = [];
  let may = true;
  let stale = false;
  const deed = (name: string) => {
    told.push(name);
    return new Promise<void>((resolve) => waiting.push(resolve));
  };
  const life = new RelayLife({
    begin: (forced) => deed(forced ? 'begin, forced' : 'begin'),
    end: (why) => deed(`end: ${why}`),
    drop: (why) => deed(`drop: ${why}`),
    again: (forced) => {
      stale = false;
      return deed(forced ? 'again, forced' : 'again');
    },
    stale: () => stale,
    mayBegin: () => may,
  });
  /** Lets the deed that is under way come to its end, and what follows begin. */
  const go = async () => {
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const forbid = () => {
    may = false;
  };
  const change = () => {
    stale = true;
  };
  return { life, told, go, forbid, change };
}

/** What began since the last look. */
const taken = (told: string[]) => told.splice(0);

test('the last wish wins: stop, start and stop again is a stop', async (t) => {
  const { life, told, go } = start();
  const begun = life.start(false);
  await go();
  await begun;
  const wishes = [life.stop('first'), life.start(true), life.stop('second')];
  await go();
  await Promise.all(wishes);
  t.same(taken(told), ['begin', 'end: first']);
  const other = [life.start(true), life.stop('third'), life.start(false)];
  await go();
  t.same(taken(told), ['begin, forced', 'end: third'], 'what the stop has closed is not open: it does end');
  await go();
  t.same(taken(told), ['begin']);
  await go();
  await Promise.all(other);
  t.same(taken(told), []);
});

test('a stop during a restart begins nothing any more, and a start after it begins as a whole', async (t) => {
  const { life, told, go } = start();
  void life.start(false);
  await go();
  const restarted = life.restart('new');
  const stopped = life.stop('enough');
  await go();
  t.same(taken(told), ['begin', 'drop: new', 'end: enough']);
  const started = life.start(false);
  await go();
  t.same(taken(told), ['begin']);
  await go();
  await Promise.all([restarted, stopped, started]);
  t.same(taken(told), []);
});

test('restarts that come together are one, and one of a stopped relay is a start', async (t) => {
  const { life, told, go } = start();
  void life.restart('at first');
  await go();
  void life.restart('one', false);
  void life.restart('two', true);
  void life.start(false);
  await go();
  await go();
  t.same(taken(told), ['begin, forced', 'drop: one', 'again, forced']);
  void life.stop('over');
  void life.restart('anew', false);
  await go();
  await go();
  t.same(taken(told), ['end: over', 'begin']);
});

test('what is stale begins anew once it has begun; who is stopped, or about to be, stays so', async (t) => {
  const { life, told, go, change } = start();
  void life.start(false);
  change();
  void life.refresh('changed');
  await go();
  await go();
  t.same(taken(told), ['begin', 'drop: changed', 'again']);
  await go();
  void life.stop('over');
  change();
  const refreshed = life.refresh('changed');
  await go();
  await refreshed;
  await life.refresh('changed');
  t.same(taken(told), ['end: over']);
});

test('once the daemon ends nothing begins, and what runs ends', async (t) => {
  const { life, told, go, forbid } = start();
  void life.start(false);
  await go();
  void life.restart('new');
  forbid();
  await go();
  t.same(taken(told), ['begin', 'drop: new']);
  const stopped = life.stop('the daemon ends');
  await go();
  await stopped;
  await life.start(true);
  t.same(taken(told), ['end: the daemon ends']);
});

test('a wish of who hears that something begins waits for its end', async (t) => {
  const told: string[] = [];
  let stopped: Promise<void> | null = null;
  const deed = async (name: string) => {
    if (name === 'begin') stopped = life.stop('at once').then(() => void told.push('stopped'));
    await new Promise((resolve) => setImmediate(resolve));
    told.push(name);
  };
  const life: RelayLife = new RelayLife({
    begin: () => deed('begin'),
    end: () => deed('end'),
    drop: () => deed('drop'),
    again: () => deed('again'),
    stale: () => false,
    mayBegin: () => true,
  });
  await life.start(false);
  await stopped;
  t.same(told, ['begin', 'end', 'stopped']);
});
