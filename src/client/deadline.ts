/** Does something that must be done in `limit` ms and before `over`; rejects otherwise, and then whatever comes of it is ignored. */
export function deadline<T>(work: () => Promise<T>, limit: number, over: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(() => reject(new Error(`not done within ${limit} ms`))), limit);
    const gone = (): void => end(() => reject(new Error('the connection is gone')));
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      over.removeEventListener('abort', gone);
      settle();
    };
    over.addEventListener('abort', gone);
    work().then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error)),
    );
  });
}
