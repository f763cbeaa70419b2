/**
 * Lines of at most `width`, the first one of at most `first`, where blanks allow it. What stands in backquotes is there to be copied and
 * stays whole, and so does a word that is longer: the terminal breaks them without putting anything in between. Pure.
 */
export function wrapText(text: string, width: number, first = width): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.match(/(?:`[^`]*`|[^ `]|`)+/g) ?? []) {
    if (line !== '' && line.length + 1 + word.length > (lines.length === 0 ? first : width)) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** How far a line that goes on below is indented. */
const hang = 2;

/** The same text with no line longer than `width` where blanks allow it; one that goes on is indented more than it began. Pure. */
export function foldLines(text: string, width: number): string {
  const folded = text.split('\n').map((line) => {
    if (line.length <= width) return line;
    const lead = /^ */.exec(line)?.[0] ?? '';
    const room = width - lead.length;
    return `${lead}${wrapText(line, room - hang, room).join(`\n${lead}${' '.repeat(hang)}`)}`;
  });
  return folded.join('\n');
}
