/** Longest foreign text that is shown or logged, in characters. */
export const printableLength = 512;

/**
 * Makes text that others wrote safe to show: what a terminal would obey (control and escape characters) or what would
 * reorder the line (bidirectional marks) becomes visible as an escape, and it ends after 512 characters.
 */
export function printable(text: string): string {
  const shown = text.slice(0, printableLength).replace(unsafe, reveal);
  return text.length > printableLength || shown.length > printableLength
    ? `${shown.slice(0, printableLength - 3)}...`
    : shown;
}

/** Cc, Cf (zero width, bidi), line and paragraph separators, private use, lone surrogates. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

function reveal(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  if (character === '\r') return '\\r';
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** JSON with texts that others wrote, for whoever looks at it: the same values, and what `printable` would reveal as `\uXXXX`. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(unsafe, (character) =>
    character === '\n' ? character : unicode(character),
  );
}

function unicode(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** As `printable`, but line feeds stay: for a text of several lines that is shown as such. Never more than 16 lines. */
export function printableLines(text: string): string {
  const lines = text
    .slice(0, printableLength)
    .split(/\r\n|\n|\r/)
    .slice(0, 16)
    .map((line) => printable(line));
  return lines.join('\n').slice(0, printableLength);
}
