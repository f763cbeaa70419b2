import type { Address } from './address.ts';
import { deadline } from './deadline.ts';
import { refusing } from './judge.ts';
import type { RelayOptions } from './options.ts';

const limit = 10_000;

/** How the token was refused, when somebody can tell; else null. */
export async function askHint(
  options: RelayOptions,
  address: Address,
  token: string | null,
  signal: AbortSignal,
): Promise<string | null> {
  const ask = options.hint ?? (options.wire?.in === 'query' ? () => askByHttp(address, signal) : undefined);
  if (ask === undefined) return null;
  try {
    const status = await deadline(() => ask({ token, signal }), limit, signal);
    return refusing.includes(status) ? `HTTP ${status}` : null;
  } catch {
    return null; // an unanswered question proves nothing, and the next attempt is on its way
  }
}

/** The part of `fetch` that is used: a page's knows more options than Node's types do. */
interface Fetch {
  readonly fetch: (url: string, options: object) => Promise<{ readonly status: number }>;
}

async function askByHttp(address: Address, signal: AbortSignal): Promise<number> {
  const scope: Fetch = globalThis;
  const quiet = { cache: 'no-store', credentials: 'omit', redirect: 'manual', referrerPolicy: 'no-referrer' };
  return (await scope.fetch(address.url.replace(/^ws/, 'http'), { signal, ...quiet })).status;
}
