import { readFileSync } from 'node:fs';

const period = 1_000;

/** So much more time than a tick should take, ms: this process was stopped, or the machine slept. A busy machine is late too, but not so late. */
const gap = 2 * period;
/** So much of it in a clock that runs in sleep beyond one that does not, ms: that is sleep, however short. */
const sleep = 500;

/** Two clocks, ms. None of them is moved by who sets the time of day. */
export interface Clocks {
  /** On Linux it stands still while the machine sleeps (CLOCK_MONOTONIC), elsewhere it may run. */
  readonly awake: number;
  /** It runs while the machine sleeps; null where nobody tells. */
  readonly always: number | null;
}

/** Linux says how long ago the machine began, sleep included (proc_uptime(5)); elsewhere `performance.now()` runs on in sleep. */
export function readClocks(): Clocks {
  const awake = performance.now();
  if (process.platform !== 'linux') return { awake, always: null };
  try {
    return { awake, always: Number.parseFloat(readFileSync('/proc/uptime', 'latin1')) * 1_000 };
  } catch {
    // No /proc, or no descriptor left: the other clock has to do.
    return { awake, always: null };
  }
}

/**
 * Calls back after each time in which this process did not run (sleep, SIGSTOP), with its length, ms: then the network may be another one.
 * Returns the stop.
 */
export function watchWake(woke: (asleep: number) => void, read: () => Clocks = readClocks): () => void {
  let last = read();
  const timer = setInterval(() => {
    const now = read();
    const passed = now.awake - last.awake;
    const slept = now.always === null || last.always === null ? 0 : now.always - last.always - passed;
    last = now;
    if (slept > sleep || passed > period + gap) woke(Math.round(passed - period + Math.max(0, slept)));
  }, period).unref();
  return () => clearInterval(timer);
}
