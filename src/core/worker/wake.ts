const period = 1_000;

/** So much more wall time than a tick should take: the machine slept, or this process was stopped. ms */
const gap = 2 * period;

/**
 * Calls back after each time in which this process did not run (sleep, SIGSTOP): then the network may be another one. A wall clock
 * that was set forward looks the same, and costs one ping. Returns the stop.
 */
export function watchWake(woke: () => void): () => void {
  let last = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    if (now - last > period + gap) woke();
    last = now;
  }, period).unref();
  return () => clearInterval(timer);
}
