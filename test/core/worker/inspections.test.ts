import { test, type Test } from 'tap';
import type { Fault } from '../../../src/core/model/fault.ts';
import type { RemoteHost } from '../../../src/core/model/remote.ts';
import { Inspections } from '../../../src/core/worker/backing/inspections.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { startSshd } from '../../fixtures/sshd.ts';

/** Looks that end when the test says so, each with a note; the timers of their next rounds are kept in its hands. */
async function inspecting(t: Test) {
  const link = await openTestLink(t, await startSshd(t));
  const looks: { readonly end: () => void; readonly ended: Promise<void> }[] = [];
  const noted: string[] = [];
  const inspections = new Inspections(
    {
      inspect: (_host, note) => {
        const number = looks.length + 1;
        let end: () => void = () => undefined;
        const ended = new Promise<void>((resolve) => {
          end = () => {
            note('agents', [`look ${number}`]);
            resolve();
          };
        });
        looks.push({ end, ended });
        return ended;
      },
    },
    (_plugin, notes) => noted.push(...notes),
  );
  const rounds = new Map<object, () => void>();
  const { setTimeout: realSet, clearTimeout: realClear } = globalThis;
  t.intercept(globalThis, 'setTimeout', {
    value: (run: () => void, ms: number) => {
      if (ms !== 60_000) return realSet(run, ms);
      const timer = {};
      rounds.set(timer, run);
      return timer;
    },
  });
  t.intercept(globalThis, 'clearTimeout', {
    value: (timer: NodeJS.Timeout) => {
      if (!rounds.delete(timer)) realClear(timer);
    },
  });
  const end = async (number: number) => {
    looks[number - 1]?.end();
    await looks[number - 1]?.ended;
    // What follows a look is done by then.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { link, inspections, looks, noted, rounds, end };
}

test('a look that is overtaken by a new beginning says nothing and looks no more: there is one chain of rounds', async (t) => {
  const { link, inspections, looks, noted, rounds, end } = await inspecting(t);
  inspections.begin(link);
  inspections.begin(link);
  t.equal(looks.length, 2);
  await end(1);
  t.same([noted, rounds.size], [[], 0], 'the first one was given up');
  await end(2);
  t.same([noted, rounds.size], [['look 2'], 1]);
  // The next round begins, and is overtaken in its turn.
  const [[timer, run] = []] = rounds;
  if (timer !== undefined) rounds.delete(timer);
  run?.();
  inspections.begin(link);
  t.equal(looks.length, 4);
  await end(3);
  await end(4);
  t.same([noted, rounds.size], [['look 2', 'look 4'], 1]);
  inspections.begin(link);
  t.equal(rounds.size, 0, 'a new beginning ends the wait of the one before');
  inspections.stop();
  await end(5);
  t.same([noted.length, rounds.size], [2, 0], 'nothing goes on once it is stopped');
});

test('looks leave nothing behind that listens to their link', async (t) => {
  const link = await openTestLink(t, await startSshd(t));
  const listening = new Set<object>();
  const { onLost } = link;
  t.intercept(link, 'onLost', {
    value: (listener: (fault: Fault) => void) => {
      listening.add(listener);
      const forget = onLost.call(link, listener);
      return () => {
        listening.delete(listener);
        forget();
      };
    },
  });
  const looks: Promise<unknown>[] = [];
  const look = (host: RemoteHost) => {
    const looked = host.run('exit 0');
    looks.push(looked);
    return looked.then(() => undefined);
  };
  const inspections = new Inspections({ inspect: look }, () => undefined);
  for (let n = 0; n < 8; n += 1) inspections.begin(link);
  t.equal((await Promise.all(looks)).length, 8);
  t.equal(listening.size, 0);
});
