import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs all of `work`, so many at once, in its order. */
export async function inLanes(work, jobs, run) {
  const waiting = [...work];
  const lane = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await run(one);
  };
  await Promise.all(Array.from({ length: jobs }, lane));
}

/**
 * Runs all of `work`: `few` at once, and up to `many` while the machine stands idle for more than `idle` of its time, one more each `look` ms. A
 * test waits for most of its time, for a deadline or a process, and nobody knows when. `mayJoin` says whether one may run beside these.
 */
export async function inPool(work, { few, many, idle, look, mayJoin }, run) {
  const waiting = [...work];
  const running = new Map();
  const idleness = watchIdleness(look);
  while (waiting.length > 0 || running.size > 0) {
    const isFree = running.size < few || (running.size < many && idleness() > idle);
    const at = isFree ? waiting.findIndex((one) => mayJoin(one, [...running.keys()])) : -1;
    if (at >= 0) {
      const [one] = waiting.splice(at, 1);
      running.set(
        one,
        run(one).then(() => running.delete(one)),
      );
    }
    if (at < 0 || running.size >= few) await Promise.race([...running.values(), sleep(look)]);
  }
}

/** Gives the part of its time for which the machine stood idle since the last call, or 0 where that was less than `every` ms ago. */
function watchIdleness(every) {
  let before = { at: performance.now(), ...spent() };
  return () => {
    const now = { at: performance.now(), ...spent() };
    if (now.at - before.at < every) return 0;
    const share = (now.idle - before.idle) / Math.max(1, now.all - before.all);
    before = now;
    return share;
  };
}

/** ms of all cores since they run. */
function spent() {
  const times = cpus().map((one) => one.times);
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  return { idle: sum(times.map((one) => one.idle)), all: sum(times.flatMap((one) => Object.values(one))) };
}
