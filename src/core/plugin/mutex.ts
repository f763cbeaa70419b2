import { Turnstile } from '../model/turnstile.ts';

/** Runs one thing at a time, in the order of asking. Rejects with the signal's reason where that is aborted before it could begin. */
export type Mutex = <T>(run: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** A mutex of this process alone. */
export function localMutex(): Mutex {
  const turnstile = new Turnstile(1);
  return async (run, signal) => {
    const leave = await enter(turnstile, signal);
    try {
      signal.throwIfAborted();
      return await run();
    } finally {
      leave();
    }
  };
}

/** Who is not wanted any more does not wait for his turn; when that comes it is the next one's. */
function enter(turnstile: Turnstile, signal: AbortSignal): Promise<() => void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const aborted = () => reject(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
    turnstile.enter((leave) => {
      signal.removeEventListener('abort', aborted);
      if (signal.aborted) leave();
      else resolve(leave);
    });
  });
}
