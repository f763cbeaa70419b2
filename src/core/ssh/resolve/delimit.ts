/** A word of a line and what follows it; `rest` is null when nothing does. */
export interface Delimited {
  readonly word: string;
  readonly rest: string | null;
}

/**
 * Takes the next word off a line as OpenSSH reads keywords and Match lines: it ends at white space, at one `=` or at a double
 * quote, which runs to the next one. Null when there is no word left, or a quote is not closed.
 */
export function delimit(text: string | null): Delimited | null {
  if (text === null) return null;
  const end = text.search(/[ \t\r\n"=]/);
  if (end < 0) return { word: text, rest: null };
  const word = text.slice(0, end);
  if (text[end] === '"') {
    const close = text.indexOf('"', end + 1);
    if (close < 0) return null;
    return { word: word + text.slice(end + 1, close), rest: skipBlanks(text.slice(close + 1)) };
  }
  const rest = skipBlanks(text.slice(end + 1));
  // Only one `=` separates: the second of two begins the next word.
  return { word, rest: text[end] !== '=' && rest.startsWith('=') ? skipBlanks(rest.slice(1)) : rest };
}

function skipBlanks(text: string): string {
  return text.replace(/^[ \t\r\n]+/, '');
}
