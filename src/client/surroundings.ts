/** The part of a page that is looked at; in Node, and in a worker for `document`, it is not there. */
interface Page {
  readonly document?: {
    readonly visibilityState: string;
    readonly baseURI: string;
    addEventListener(type: 'visibilitychange', listener: () => void): void;
    removeEventListener(type: 'visibilitychange', listener: () => void): void;
  };
  readonly addEventListener?: (type: 'online', listener: () => void) => void;
  readonly removeEventListener?: (type: 'online', listener: () => void) => void;
  readonly location?: { readonly href: string };
}

/**
 * Calls back when it is worth looking at the connection at once: the network is back, or the page is shown again. That the network is gone
 * says nothing: the relay is on this machine. Returns what ends it.
 */
export function watchReturn(back: () => void, page: Page = here()): () => void {
  const { document } = page;
  const shown = (): void => {
    if (document?.visibilityState === 'visible') back();
  };
  page.addEventListener?.('online', back);
  document?.addEventListener('visibilitychange', shown);
  return () => {
    page.removeEventListener?.('online', back);
    document?.removeEventListener('visibilitychange', shown);
  };
}

/** What a relative address is relative to. */
export function pageAddress(page: Page = here()): string | undefined {
  return page.document?.baseURI ?? page.location?.href;
}

function here(): Page {
  // `this` of these two must be the global object, or browsers throw.
  const scope: Page & { readonly setTimeout?: unknown } = globalThis;
  return {
    ...(scope.document === undefined ? {} : { document: scope.document }),
    ...(scope.location === undefined ? {} : { location: scope.location }),
    ...(scope.addEventListener === undefined
      ? {}
      : {
          addEventListener: (type, listener) => scope.addEventListener?.(type, listener),
          removeEventListener: (type, listener) => scope.removeEventListener?.(type, listener),
        }),
  };
}
