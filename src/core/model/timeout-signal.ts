/**
 * As `AbortSignal.timeout(ms)`, which Node lets be collected, and then never aborts, where only a signal of `AbortSignal.any` waits for it (seen
 * on Node 20; its sources are held weakly). Does not keep the process.
 */
export function timeoutSignal(ms: number): AbortSignal {
  const over = new AbortController();
  setTimeout(
    () => over.abort(new DOMException(`nothing came of it within ${ms / 1000} s`, 'TimeoutError')),
    ms,
  ).unref();
  return over.signal;
}
