import { Fault } from '../../plugin.ts';

/** How long the work may take to say what it came to, once its time is over, ms. */
const lastWords = 500;

/**
 * Does some work whose signal is aborted with the outer one, and after `limit` ms. Rejects soon after that, though the work goes on, with
 * LAUNCH_TIMEOUT: the host was too slow.
 */
export async function inTime<T>(
  limit: number,
  outer: AbortSignal,
  { name, remote }: { readonly name: string; readonly remote: string },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const text = `${remote} took more than ${limit / 1000} s over the backend ${name}: its files or processes answer too slowly; look at that host, or raise "deadline"`;
  const fault = new Fault('LAUNCH_TIMEOUT', text);
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late.abort(fault);
      timer = setTimeout(() => reject(fault), lastWords);
    }, limit);
  });
  try {
    return await Promise.race([work(AbortSignal.any([outer, late.signal])), over]);
  } finally {
    clearTimeout(timer);
  }
}
