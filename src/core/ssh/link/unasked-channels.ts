import type { Client } from 'ssh2';
import { printable } from '../../model/printable.ts';
import { interceptMessages } from '../internals.ts';

/**
 * Counts the channels that a server opens unasked (RFC 4254 section 5.1: X11, the agent, forwards from there), which ssh2 refuses. The
 * first one is told at once; the returned function tells how many there were, when the link has ended. `expects` says which types were asked for.
 */
export function countUnasked(
  client: Client,
  where: string,
  expects: (type: string) => boolean,
  onNote: (text: string) => void,
): () => void {
  let count = 0;
  interceptMessages(client, 'CHANNEL_OPEN', (open) => {
    const type = typeof open === 'object' && open !== null && 'type' in open ? printable(String(open.type)) : '';
    if (expects(type)) return false;
    count += 1;
    if (count > 1) return false;
    onNote(`${where} opened a channel that nobody asked for ("${type}"); it was refused, look at what runs there`);
    return false;
  });
  return () => {
    if (count > 1) onNote(`${where} opened ${count} channels that nobody asked for; each was refused`);
  };
}
