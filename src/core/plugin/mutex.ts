import { Turnstile } from '../model/turnstile.ts';

/** Runs one thing at a time, in the order of asking. Rejects with the signal's reason where that is aborted before it could begin. */
export type Mutex = <T>(run: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** A mutex of this process alone. */
export function localMutex(): Mutex {
  const turnstile = new Turnstile(1);
  return async (run, signal) => {
    const release = await new Promise<() => void>((resolve) => turnstile.enter(resolve));
    try {
      signal.throwIfAborted();
      return await run();
    } finally {
      release();
    }
  };
}
