import { Fault } from '../../plugin.ts';

/**
 * Does some work whose signal is aborted with the outer one, and after `limit` ms. Rejects with what aborted it, though the work goes on: with
 * LAUNCH_TIMEOUT where the host was too slow.
 */
export async function inTime<T>(
  limit: number,
  outer: AbortSignal,
  { name, remote }: { readonly name: string; readonly remote: string },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const text = `${remote} took more than ${limit / 1000} s over the backend ${name}: its files or processes answer too slowly; look at that host, or raise "deadline"`;
  const timer = setTimeout(() => late.abort(new Fault('LAUNCH_TIMEOUT', text)), limit);
  const signal = AbortSignal.any([outer, late.signal]);
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    return await Promise.race([work(signal), aborted]);
  } finally {
    clearTimeout(timer);
  }
}
