import { Turnstile } from '../model/turnstile.ts';

/** Runs something when it is its turn. Rejects with the signal's reason where that is aborted before. */
export type Turn = <T>(run: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** Lets one through at a time, in this process. */
export function alone(): Turn {
  const turnstile = new Turnstile(1);
  return async (run, signal) => {
    const leave = await new Promise<() => void>((resolve) => turnstile.enter(resolve));
    try {
      signal.throwIfAborted();
      return await run();
    } finally {
      leave();
    }
  };
}
