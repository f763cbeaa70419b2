import { printable } from '../../plugin.ts';

/** The last line that a failed command complained of, as `: line`, without what could be a secret: any long word of letters and digits. */
export function redact(text: string): string {
  const line = text.trim().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${printable(line.slice(0, 300).replace(/[\w+/=.-]{16,}/g, hide))}`;
}

/** Words and paths may be long; a token has digits in it. */
function hide(word: string): string {
  return /\d/.test(word) ? '[redacted]' : word;
}
