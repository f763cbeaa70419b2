/** Calls what somebody else wrote: what it throws, or rejects with, is told to `failed` and ends nothing. */
export function callOutside(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = call();
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}
