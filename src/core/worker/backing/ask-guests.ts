import { Fault } from '../../model/fault.ts';
import type { Dial } from '../../model/plugin.ts';
import { shut } from '../../probe/tcp.ts';
import { heldOpen } from '../../probe/token-check.ts';
import type { Verify } from '../../probe/witness.ts';
import type { Channel } from '../../ssh/link/link.ts';

/** What plugins say of a target, by connections that they dial; null: it is theirs, and well. `mayShow`: the token may go over them. Never rejects. */
export type GuestProbe = (dial: Dial, mayShow: boolean) => Promise<Fault | null>;

/** What is known of a target before plugins are asked. */
export interface Known {
  /** A connection that stands and was not used: the first that they get. Null: there is none. */
  readonly standing: Channel | null;
  /** Whether it leads to the backend, as `verify` says; null where nobody is asked. */
  readonly proved: boolean | null;
  readonly verify: Verify | null;
}

/**
 * Asks the plugins. Who has the token gets no connection but one of which it was seen, once it stood, whom it leads to: what is dialed may be
 * another's by then. Resolves with the fault of that look where there is one, whatever they say. Never rejects.
 */
export async function askGuests(
  guests: GuestProbe,
  dial: () => Promise<Channel>,
  { standing, proved, verify }: Known,
  signal: AbortSignal,
): Promise<Fault | null> {
  const mayShow = proved !== false;
  let first = standing;
  let seen: Fault | null = null;
  const lead = async () => {
    const ready = first;
    first = null;
    if (ready !== null) return ready;
    const stream = await dial();
    if (verify === null || !mayShow) return stream;
    try {
      if (await heldOpen(stream, verify(signal))) return stream;
    } catch (error) {
      if (error instanceof Fault) seen ??= error;
      throw error;
    }
    shut(stream);
    const text = 'the host does not show any more who listens there, so that no token goes there; look at that host';
    throw new Fault('PROBE_FAILED', text);
  };
  const fault = await guests(lead, mayShow);
  if (first !== null) shut(first);
  return seen ?? fault;
}
