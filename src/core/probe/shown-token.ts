import type { TokenWire } from '../model/backend.ts';
import type { Secret } from '../model/secret.ts';

/** A token with the way in which it travels. */
export interface ShownToken {
  readonly wire: TokenWire;
  readonly token: Secret;
}

/** What a request has beside its own, so that it shows a token. */
export interface TokenParts {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Subprotocols of a WebSocket. */
  readonly protocols: readonly string[];
}

/** Puts a token into a request; what comes out goes to the backend and nowhere else. Null: nothing is shown. */
export function showToken(path: string, shown: ShownToken | null): TokenParts {
  const nothing: TokenParts = { path, headers: {}, protocols: [] };
  if (shown === null) return nothing;
  const { wire } = shown;
  const text = shown.token.reveal();
  switch (wire.in) {
    case 'query': {
      const pair = `${encodeURIComponent(wire.name)}=${encodeURIComponent(text)}`;
      return { ...nothing, path: `${path}${path.includes('?') ? '&' : '?'}${pair}` };
    }
    case 'header':
      return { ...nothing, headers: { [wire.name]: wire.before + text } };
    case 'basic': {
      const pair = Buffer.from(`${wire.user}:${text}`).toString('base64');
      return { ...nothing, headers: { authorization: `Basic ${pair}` } };
    }
    case 'subprotocol':
      return { ...nothing, protocols: [...wire.protocols, wire.before + text] };
  }
}
