import type { ForwardConfig } from './config.ts';
import { type Endpoint, type Ends, sameEndpoint } from './endpoint.ts';
import type { Secret } from './secret.ts';

/** A backend that runs on the host, as a `backend` hook started or found it. */
export interface Backend {
  /** Where it listens, as the remote host sees it. */
  readonly target: Endpoint;
  /** Names this run of it, by at most 1024 characters: the same run has the same token. Null where nobody knows. */
  readonly run: string | null;
  /** True when it ran already. */
  readonly adopted: boolean;
  /** Its token; null: it has none; absent: a `token` hook says it. */
  readonly token?: Secret | null;
  /** How its token travels, and what proves that it is the right backend. Null: nobody knows. */
  readonly door: TokenDoor | null;
  /** The address that a person opens; null where nobody knows. */
  readonly opens: { readonly scheme: 'http' | 'ws'; readonly page: string } | null;
  /** True: it ends with the link over which it was started, so that no other link can take that one's place. Absent: it outlives it. */
  readonly withLink?: boolean;
  /** Shown in status, such as `pid 4711 since 10:02`; cut after 512 characters. */
  readonly says: string;
  /**
   * Says whether what listens at the target is still this run of it: true, or false where the host does not show that. Asked with each check of a
   * forward that leads there, and each time before its token is shown, over a connection that stands already; it may take 10 s. Rejects with
   * BACKEND_FOREIGN where somebody else listens there, TARGET_REFUSED where nobody does; then no token leaves, and the backend is brought again.
   * Absent, or false: where there is a token towline looks whether the listening socket is the one that it proved, and of the user as whom it logs
   * in, or of root; where the host does not show that either, a wrong token that was refused is all the proof there is.
   */
  readonly verify?: (signal: AbortSignal) => Promise<boolean>;
}

/** What status, API and other processes know of a backend. */
export type BackendFacts = Omit<Backend, 'token' | 'verify'>;

/** Whether a forward leads to the backend of its relay; `backend` is where that listens, null where nobody knows. */
export function leadsToBackend({ kind, target }: Pick<Ends, 'kind' | 'target'>, backend: Endpoint | null): boolean {
  if (kind !== 'local' || target === null) return false;
  return target.kind === 'backend' || (backend !== null && sameEndpoint(target, backend));
}

/** The addresses that forwards name themselves, as the remote host sees them: what listens on another one is not led to. */
export function fixedTargets(forwards: readonly ForwardConfig[]): readonly Endpoint[] {
  return forwards.flatMap((one) => (one.kind !== 'local' || one.target.kind === 'backend' ? [] : [one.target]));
}

/**
 * Numbers of the forwards that may lead to a backend that did not come; `known` is where it listened before, `port` the one that its plugin names,
 * `brought` whether plugins are to bring it. Who listens in its place must not get its clients: where nobody says which address is the backend's
 * own, each one that the relay names may be.
 */
export function keptForwards(
  forwards: readonly ForwardConfig[],
  known: Endpoint | null,
  brought: boolean,
  port: number | null,
): readonly number[] {
  const led = forwards.flatMap((forward, at) => {
    const { kind, target } = forward;
    const named = brought && kind === 'local' && target.kind === 'tcp' && target.port === port;
    return named || leadsToBackend(forward, known) ? [at] : [];
  });
  if (led.length > 0 || !brought) return led;
  return forwards.flatMap(({ kind }, at) => (kind === 'local' ? [at] : []));
}

/** How a client shows its token to a backend, and how that is tried. */
export interface TokenDoor {
  readonly wire: TokenWire;
  /** What is asked for: an HTTP request for `path`, or a WebSocket handshake. */
  readonly kind: 'http' | 'websocket';
  /** A path that answers well with the right token only. Default `/`. */
  readonly path: string;
}

/** Where the token stands in a request. */
export type TokenWire =
  /** `?name=token`. */
  | { readonly in: 'query'; readonly name: string }
  /** `name: before + token`. */
  | { readonly in: 'header'; readonly name: string; readonly before: string }
  /** HTTP Basic (RFC 7617). */
  | { readonly in: 'basic'; readonly user: string }
  /** Subprotocols of a WebSocket: `protocols`, then `before + token`. */
  | { readonly in: 'subprotocol'; readonly protocols: readonly string[]; readonly before: string };

/** What a known backend needs, as data. */
export interface Recipe {
  /** What `recipe` in the options of `launch` calls it. */
  readonly name: string;
  /** One line for `towline recipes`. */
  readonly title: string;
  /** What starts it; `{port}` is its port. */
  readonly command: string;
  /** Its usual port. */
  readonly port: number;
  /** Finds the port in what it prints: the first group is the port. Null: it is the one that it was given. */
  readonly prints: string | null;
  readonly token: RecipeToken;
  /** Null where no token is asked for. */
  readonly door: TokenDoor | null;
  /** The path of the address that a person opens, `/` at least. */
  readonly page: string;
  /** `ws` where clients speak WebSocket to it, else `http`. */
  readonly scheme: 'http' | 'ws';
  /** Options of the plugin `token` for one that runs already: where its token is. Null: it is set by hand, or there is none. */
  readonly attach: Readonly<Record<string, string>> | null;
  /** Sentences for who sets it up. */
  readonly notes: readonly string[];
}

/** How the token comes to be. */
export type RecipeToken =
  /** It takes the one in this environment variable; without one it may print its own, as `output` does. */
  | { readonly from: 'environment'; readonly name: string; readonly pattern?: string; readonly none?: string }
  /** It prints its own: the first group of the pattern. `none`: what it prints where it has none. */
  | { readonly from: 'output'; readonly pattern: string; readonly none?: string }
  /** The same in a line of JSON, at a path such as `servers.0.token`. */
  | { readonly from: 'output'; readonly json: string; readonly none?: string }
  | { readonly from: 'nowhere' };
