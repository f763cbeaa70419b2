/** Is aborted as `signal` is, so many ms later. */
export function lingerAfter(signal: AbortSignal, linger: number): { readonly signal: AbortSignal; end(): void } {
  if (linger === 0) return { signal, end: () => undefined };
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    timer = setTimeout(() => late.abort(signal.reason), linger);
  };
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  return {
    signal: late.signal,
    end: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', begin);
    },
  };
}
