import { Fault } from '../model/fault.ts';
import { Secret } from '../model/secret.ts';

/** The longest token, characters: a header of 8 KiB is what servers take. */
const longest = 4096;

/**
 * Makes a token of a text: what surrounds it is left out. Throws TOKEN_MISSING, which never quotes it, for what no request can carry; `from`
 * says where it came from.
 */
export function readTokenText(text: string, from: string): Secret {
  const token = text.replace(/^\uFEFF/, '').trim();
  const trouble = troubleOf(token);
  if (trouble === null) return new Secret(token);
  throw new Fault('TOKEN_MISSING', `${from} ${trouble}; a token is one word of at most ${longest} characters`);
}

function troubleOf(token: string): string | null {
  if (token === '') return 'is empty';
  if (token.length > longest) return `has ${token.length} characters`;
  if (/[\r\n]/.test(token)) return 'has more than one line';
  return /^[!-~]+$/.test(token) ? null : 'has blanks, or characters that no request can carry';
}
