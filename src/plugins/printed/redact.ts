import { printable } from '../../plugin.ts';
import { hideWords } from './hide-words.ts';

const rules = { words: /[\w+/.-]+={0,2}/g, least: 16, mark: '[redacted]' };

/** The last line that a failed command complained of, as `: line`, without what could be a secret: any long word of letters and digits, but for paths. */
export function redact(text: string): string {
  const line = text.trim().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${printable(hideWords(line.slice(0, 300), rules))}`;
}
