import type { Backend, TokenDoor } from '../core/model/backend.ts';
import type { Endpoint } from '../core/model/endpoint.ts';
import { Fault } from '../core/model/fault.ts';
import type { RemoteHost } from '../core/model/remote.ts';
import { Secret } from '../core/model/secret.ts';
import { handSetToken } from '../core/secrets/token-store.ts';
import { locateFolders } from '../control/folders.ts';
import type { SeatedGuest } from './seated-guests.ts';

/** Where the token of a relay may be. */
export interface TokenPlaces {
  readonly relay: string;
  readonly host: RemoteHost;
  /** State folder of a launched backend; null: none. */
  readonly dir: string | null;
  readonly seated: readonly SeatedGuest[];
  readonly door: TokenDoor | null;
  /** Where the backend listens; null: it does not. */
  readonly target: Endpoint | null;
  /** What a running daemon knows. */
  readonly daemonToken: () => Promise<Secret | null>;
}

/** A token, and where it came from in words. */
export interface FoundToken {
  /** Null: the backend has none. */
  readonly token: Secret | null;
  readonly from: string;
  readonly byHand: boolean;
}

/** Looks for the token of a relay in the order that its worker keeps; null: nobody knows one. Rejects with what a place cannot be read by. */
export async function findToken(places: TokenPlaces): Promise<FoundToken | null> {
  const { relay, host, dir, seated, door, target, daemonToken } = places;
  const given = await handSetToken(locateFolders().state, relay);
  if (given !== null) return { token: given, from: 'it was set by hand', byHand: true };
  const kept = dir === null ? null : await keptToken(host, dir);
  if (kept !== null) return { token: kept, from: "the launched backend's own", byHand: false };
  // A rule may need the daemon's environment; what it has found there need not be found again here.
  const daemons = await daemonToken();
  if (daemons !== null) return { token: daemons, from: 'the daemon has it', byHand: false };
  const backend: Backend | null =
    target === null ? null : { target, run: null, adopted: true, door, opens: null, says: '' };
  for (const { name, guests } of seated) {
    const token = guests.hasToken ? await guests.token(host, backend) : undefined;
    if (token === undefined) continue;
    const from = token === null ? `the plugin ${name} says that there is none` : `the plugin ${name} finds it`;
    return { token, from, byHand: false };
  }
  return null;
}

/** The one that a launched backend was given, or printed. */
async function keptToken(host: RemoteHost, dir: string): Promise<Secret | null> {
  try {
    const text = (await host.readFile(`${dir}/token`, { most: 8192 })).toString('utf8').replace(/\n$/, '');
    return text === '' ? null : new Secret(text);
  } catch (error) {
    // It has none, or has not printed it yet.
    if (Fault.from(error).code === 'REMOTE_FILE') return null;
    throw error;
  }
}
