/** The answer, or the signal's reason once it is aborted: what nobody waits for any more is not waited for. */
export async function orAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  // It may still fail, after all is over.
  answer.catch(() => undefined);
  signal.throwIfAborted();
  let aborted: () => void = () => undefined;
  const gone = new Promise<never>((_, reject) => {
    aborted = () => reject(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
  });
  try {
    return await Promise.race([answer, gone]);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}
