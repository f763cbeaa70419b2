import { type Complaint, type Parsed, quote } from './problem.ts';
import { find, isDangerous, type SourceNode } from './source-node.ts';

/** A name that is safe in a file name, a URL, a log line and a terminal. */
export const relayNamePattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$';

const expected = 'letters, digits, - _ . (at most 64), beginning with a letter or digit';

/** Checks what a user wrote as the name of a relay. */
export function parseName(text: string): Parsed<string> {
  if (isDangerous(text)) return { trouble: { message: `${quote(text)} is not allowed`, expected: 'another name' } };
  if (new RegExp(relayNamePattern).test(text)) return { value: text };
  return { trouble: { message: `${quote(text)} is not a relay name`, expected } };
}

/** Checks how many relays there are and what they are called. */
export function checkNames(root: SourceNode): readonly Complaint[] {
  const relays = find(root, ['relays']);
  if (relays?.kind !== 'map') return [];
  if (relays.entries.length === 0) {
    return [{ at: relays.at, path: ['relays'], message: 'there is no relay', expected: 'at least one relay' }];
  }
  return relays.entries.flatMap(({ key, keyAt }) => {
    const parsed = parseName(key);
    // What holds for every key is said by tree-rules.ts.
    if ('value' in parsed || isDangerous(key)) return [];
    return [{ at: keyAt, path: ['relays', key], ...parsed.trouble }];
  });
}
