import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { forgetKeyring, readKeyring, writeKeyring } from '../core/secrets/keyring.ts';
import { forgetToken, readToken, writeToken } from '../core/secrets/token-store.ts';

/** Forgets the token that was set by hand for a relay, wherever it is kept; false where there was none. */
export async function forgetKept(state: string, relay: string): Promise<boolean> {
  // The keyring first: the file says that there is something in it.
  if (readToken(state, relay) === 'keyring') await forgetKeyring(relay);
  return forgetToken(state, relay);
}

/** What to say of the token of a relay that was removed; null where it had none. */
export async function tokenOfRemoved(state: string, relay: string): Promise<string | null> {
  try {
    return (await forgetKept(state, relay)) ? 'forgot the token that was set for it' : null;
  } catch (error) {
    return `its token is still kept: ${printable(Fault.from(error).message)}; \`towline token forget ${relay}\` forgets it`;
  }
}

/** Moves the token of a relay that was renamed to its new name; what to say of it, null where it had none. */
export async function tokenOfRenamed(state: string, relay: string, to: string): Promise<string | null> {
  try {
    const kept = readToken(state, relay);
    if (kept === null) return null;
    const inKeyring = kept === 'keyring' ? await readKeyring(relay) : null;
    if (inKeyring !== null) await writeKeyring(to, inKeyring);
    if (kept !== 'keyring' || inKeyring !== null) writeToken(state, to, kept);
    await forgetKept(state, relay);
    return 'the token that was set for it is kept under the new name';
  } catch (error) {
    const why = printable(Fault.from(error).message);
    return `its token was not moved: ${why}; \`towline token set ${to}\` sets it, \`towline token forget ${relay}\` forgets the old one`;
  }
}
