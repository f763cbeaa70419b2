const period = 1_000;
/** So late a tick is no accident, ms: nothing else was done meanwhile. */
const late = 3_000;
/** Of the time in which this process was stopped, or the machine slept, it used nothing; one that others keep busy lets it have a part. */
const part = 1 / 4;

/** Both in ms: a clock that never jumps, and what this process has used of the processors. */
export interface LoopTime {
  readonly now: number;
  readonly used: number;
}

export function readLoopTime(): LoopTime {
  const { user, system } = process.cpuUsage();
  return { now: performance.now(), used: (user + system) / 1_000 };
}

/** Calls back after each time in which this process was so busy that its event loop stood still, with its length, ms. Returns the stop. */
export function watchLoop(blocked: (time: number) => void, read: () => LoopTime = readLoopTime): () => void {
  let last = read();
  const timer = setInterval(() => {
    const now = read();
    const [passed, used] = [now.now - last.now - period, now.used - last.used];
    last = now;
    if (passed > late && used > passed * part) blocked(Math.round(passed));
  }, period).unref();
  return () => clearInterval(timer);
}
