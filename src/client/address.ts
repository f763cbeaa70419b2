import type { RelayOptions, Wire } from './options.ts';
import { RelayFault } from './relay-fault.ts';

/** Where a handshake goes, and what it carries. */
export interface Address {
  readonly url: string;
  readonly protocols: readonly string[];
  /** The same without the token: for messages. */
  readonly shown: string;
}

export const mainsWire: Wire = { in: 'subprotocol', protocols: ['mains.v1'], before: 'mains.token.' };

const schemes: Readonly<Record<string, string>> = {
  'http:': 'ws:',
  'https:': 'wss:',
  'ws:': 'ws:',
  'wss:': 'wss:',
  'ws+unix:': 'ws+unix:',
};

/** The address as an absolute one of a WebSocket; `base` is the page's, where there is one. Throws ADDRESS_INVALID. */
export function parseAddress(url: RelayOptions['url'], base: string | undefined): URL {
  // A page's own query may hold anything, a token among it: only its origin and path are taken over.
  const own = base === undefined ? undefined : new URL('.', base);
  const text = url === undefined ? (own === undefined ? '' : '/') : String(url);
  const parsed = tryParse(text, own);
  const scheme = parsed === null ? undefined : schemes[parsed.protocol];
  if (parsed === null || scheme === undefined) throw invalid('it must be like ws://127.0.0.1:8787');
  if (parsed.username !== '' || parsed.password !== '')
    throw invalid('a user or password in it is not sent; use token');
  const changed = new URL(parsed.href.replace(/^[^:]+:/, scheme));
  // A WebSocket has no fragment (RFC 6455 section 3).
  changed.hash = '';
  return changed;
}

function tryParse(text: string, base: URL | undefined): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null; // the caller names what was expected
  }
}

/** The address may hold what must not be shown, so that its own text is left out of the message. */
function invalid(what: string): RelayFault {
  return new RelayFault('ADDRESS_INVALID', `url cannot be used: ${what}`);
}

/** What the handshake carries for this token. Throws TOKEN_UNUSABLE. */
export function addressOf(url: URL, wire: Wire, token: string | null): Address {
  const shown = `${url.protocol}//${url.host}${url.pathname}`;
  if (wire.in === 'query') {
    const whole = new URL(url);
    if (token !== null) whole.searchParams.set(wire.name, token);
    return { url: whole.href, protocols: [], shown };
  }
  const protocols = [...wire.protocols, ...(token === null ? [] : [wire.before + token])];
  // RFC 6455 section 4.1: a subprotocol is a token of RFC 2616, section 2.2.
  if (protocols.some((name) => !/^[!#$%&'*+\-.^_`|~\w]+$/.test(name))) {
    const what = 'the token (or wire) has a character that a subprotocol cannot carry';
    throw new RelayFault('TOKEN_UNUSABLE', `${what}: look for blanks and =, or use wire { in: 'query' }`);
  }
  if (new Set(protocols).size < protocols.length) {
    throw new RelayFault('TOKEN_UNUSABLE', 'wire names a subprotocol twice: name each once');
  }
  return { url: url.href, protocols, shown };
}
