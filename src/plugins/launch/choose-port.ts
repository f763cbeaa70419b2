import type { Listener, Look } from './look.ts';

/** What is known of the port that is wanted. */
export interface Wanted {
  /** The port that the command was given; null: none. */
  readonly given: number | null;
  /** The one that the backend printed last; null: none yet. */
  readonly printed: number | null;
  /** Whether it is known how the backend prints its port. */
  readonly prints: boolean;
  /** ms for which its only listening port has been the same. */
  readonly steady: number;
}

/** Where a backend is, if it is anywhere. */
export type Choice =
  /** It listens there, and is ours. */
  | { readonly is: 'ready'; readonly host: string; readonly port: number }
  /** Whoever listens on its port is somebody else. */
  | { readonly is: 'foreign'; readonly port: number; readonly uid: number }
  | { readonly is: 'waiting' };

/** A backend that opens several ports one after the other is not taken at its first one, ms. */
const patience = { usual: 1_000, prints: 3_000, given: 10_000 };

/**
 * Follows the port that the backend prints when it is one of its own (F86), else the one that it was given, else the only one that it
 * listens on. A port that somebody else has is never taken (T60).
 */
export function choosePort(look: Look, { given, printed, prints, steady }: Wanted): Choice {
  const own = ownPorts(look);
  for (const port of [printed, given]) {
    if (port !== null && own.includes(port)) return ready(look, port);
  }
  const patient = given !== null ? patience.given : prints ? patience.prints : patience.usual;
  const [only] = own;
  if (only !== undefined && own.length === 1 && steady >= patient) return ready(look, only);
  for (const port of [printed, given]) {
    const other = look.listeners.find((one) => one.port === port);
    if (port !== null && other !== undefined) return { is: 'foreign', port, uid: other.uid };
  }
  return { is: 'waiting' };
}

/** The ports on which the run listens. */
export function ownPorts({ listeners }: Look): readonly number[] {
  return [...new Set(listeners.filter(({ own }) => own).map(({ port }) => port))];
}

/** Whether the run listens on this port; null: on one alone. */
export function listensAt(look: Look, port: number | null): boolean {
  const own = ownPorts(look);
  return port === null ? own.length === 1 : own.includes(port);
}

/** Whether a connection to this address gets to the run and to nobody else. */
export function leadsTo(look: Look, { host, port }: { readonly host: string; readonly port: number }): boolean {
  const choice = ready(look, port);
  return choice.is === 'ready' && choice.host === host;
}

function ready(look: Look, port: number): Choice {
  const there = look.listeners.filter((one) => one.port === port);
  const own = there.filter((one) => one.own);
  const host = hostFor(own, there);
  return host === null
    ? { is: 'foreign', port, uid: there.find((one) => !one.own)?.uid ?? -1 }
    : { is: 'ready', host, port };
}

/** The address that leads to its own listener, though another one may have the same port elsewhere. */
function hostFor(own: readonly Listener[], all: readonly Listener[]): string | null {
  const foreign = new Set(all.filter((one) => !one.own).map(({ address }) => address));
  const has = (address: string) => own.some((one) => one.address === address);
  if (has('127.0.0.1')) return '127.0.0.1';
  // One of all addresses is reached by loopback's, unless that very address is somebody else's.
  if (has('0.0.0.0') && !foreign.has('127.0.0.1')) return '127.0.0.1';
  if (has('::') && !foreign.has('127.0.0.1') && !foreign.has('0.0.0.0')) return '127.0.0.1';
  if (has('::1') || (has('::') && !foreign.has('::1'))) return '::1';
  return own.find(({ address }) => address !== '0.0.0.0' && address !== '::')?.address ?? null;
}
