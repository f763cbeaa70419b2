import { ownAddresses } from '../socket/own-addresses.ts';

/** How often the addresses of this machine are looked at, ms: Node tells nobody of a change. It takes a tenth of a millisecond. */
const period = 1_000;

/** What changed. */
export interface NetworkChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Calls back after each change of this machine's addresses: links over the old ones may be dead. Returns the stop. */
export function watchNetwork(
  changed: (change: NetworkChange) => void,
  read: () => ReadonlySet<string> = ownAddresses,
): () => void {
  let last = look(read) ?? new Set<string>();
  const timer = setInterval(() => {
    const now = look(read);
    if (now === null) return;
    const added = [...now].filter((address) => !last.has(address));
    const removed = [...last].filter((address) => !now.has(address));
    last = now;
    if (added.length > 0 || removed.length > 0) changed({ added, removed });
  }, period).unref();
  return () => clearInterval(timer);
}

/** Null: the system does not tell, for lack of descriptors perhaps. */
function look(read: () => ReadonlySet<string>): ReadonlySet<string> | null {
  try {
    return read();
  } catch {
    return null;
  }
}
