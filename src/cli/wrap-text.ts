/**
 * Lines of at most `width` where blanks allow it. What stands in backquotes is there to be copied and stays whole, and so does a word that
 * is longer: the terminal breaks them without putting anything in between. Pure.
 */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.match(/(?:`[^`]*`|[^ `]|`)+/g) ?? []) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
