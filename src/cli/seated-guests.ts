import { Guests } from '../core/plugin/guests.ts';
import { loadGuest } from '../core/plugin/load.ts';
import type { RelayConfig } from '../core/model/config.ts';
import type { Identify } from '../core/ssh/identity/given.ts';
import { builtins } from '../builtins.ts';

/** A plugin of a relay, with its hooks in this process. */
export interface SeatedGuest {
  /** As the config names it. */
  readonly name: string;
  readonly isBuiltin: boolean;
  readonly guests: Guests;
}

/**
 * Loads the plugins of a relay by the rules of its worker, and calls their `relay` factories. `signal` ends them. Rejects as
 * loadGuest and Guests.seat do.
 */
export async function seatGuests(relay: RelayConfig, signal: AbortSignal): Promise<readonly SeatedGuest[]> {
  const seated: SeatedGuest[] = [];
  for (const use of relay.plugins) {
    const isBuiltin = Object.hasOwn(builtins, use.use);
    // Between our lines, or in our JSON, a plugin's own words would be taken for ours.
    if (!isBuiltin) Object.assign(console, { log: console.error, info: console.error, debug: console.error });
    const guests = new Guests(() => undefined);
    const dismiss = () => guests.dismiss();
    signal.addEventListener('abort', dismiss, { once: true });
    if (signal.aborted) dismiss();
    await guests.seat([await loadGuest(use, builtins)], 'relay', relay.name);
    seated.push({ name: use.use, isBuiltin, guests });
  }
  return seated;
}

/** Who says how to log in, as the worker would ask; null where no plugin does. `gave`: told what came from which plugin, for which hop. */
export function identifyBy(
  seated: readonly SeatedGuest[],
  gave: (what: string, by: string, hop: number) => void,
): Identify | null {
  const asked = seated.filter(({ guests }) => guests.hasIdentify);
  if (asked.length === 0) return null;
  return async (host) => {
    for (const { name, guests } of asked) {
      const credential = await guests.identify(host);
      if (credential === undefined) continue;
      gave(credential.kind, name, host.hop);
      return credential;
    }
    return undefined;
  };
}
