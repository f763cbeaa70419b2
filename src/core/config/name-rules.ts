import { type Complaint, quote } from './problem.ts';
import { find, type SourceNode } from './source-node.ts';

/** A name that is safe in a file name, a URL, a log line and a terminal. */
export const relayNamePattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$';

const expected = 'letters, digits, - _ . (at most 64), beginning with a letter or digit';

/** Checks how many relays there are and what they are called. */
export function checkNames(root: SourceNode): readonly Complaint[] {
  const relays = find(root, ['relays']);
  if (relays?.kind !== 'map') return [];
  if (relays.entries.length === 0) {
    return [{ at: relays.at, path: ['relays'], message: 'there is no relay', expected: 'at least one relay' }];
  }
  const pattern = new RegExp(relayNamePattern);
  return relays.entries.flatMap(({ key, keyAt }) => {
    if (pattern.test(key)) return [];
    return [{ at: keyAt, path: ['relays', key], message: `${quote(key)} is not a relay name`, expected }];
  });
}
