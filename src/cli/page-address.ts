import { formatAddress } from '../core/model/endpoint.ts';
import type { TokenWire } from '../core/model/backend.ts';
import type { Secret } from '../core/model/secret.ts';

/** What the address of a backend's page is made of. */
export interface PageParts {
  readonly scheme: 'http' | 'ws';
  readonly listen: { readonly host: string; readonly port: number };
  readonly page: string;
  /** Null: no part of an address shows the token. */
  readonly wire: TokenWire | null;
  readonly token: Secret | null;
}

/** The address that a person opens, and whether the token is in it: what is asked for in a header cannot be. */
export function pageAddress({ scheme, listen, page, wire, token }: PageParts): { text: string; shown: boolean } {
  const hostName = /^(?:0\.0\.0\.0|::)$/.test(listen.host) ? '127.0.0.1' : listen.host;
  const at = formatAddress({ hostName, port: listen.port });
  const plain = { text: `${scheme}://${at}${page}`, shown: false };
  if (wire === null || token === null) return plain;
  const text = encodeURIComponent(token.reveal());
  switch (wire.in) {
    case 'basic':
      return { text: `${scheme}://${encodeURIComponent(wire.user)}:${text}@${at}${page}`, shown: true };
    case 'header':
      return plain;
    // A link for a browser has no subprotocols: such backends take it there too.
    case 'subprotocol':
    case 'query': {
      const name = encodeURIComponent(wire.in === 'query' ? wire.name : 'token');
      return { text: `${plain.text}${page.includes('?') ? '&' : '?'}${name}=${text}`, shown: true };
    }
  }
}
