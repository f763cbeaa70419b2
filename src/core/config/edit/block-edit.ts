import { type BlockMap, columnOf, type EntryPlace, lineEnd, lineStart, newlineOf } from './map-place.ts';
import { keyText } from './scalar-text.ts';
import type { Splice } from './splice.ts';

/** Writes what follows the colon of a new key; `lead` is a newline and the indentation of what stands below the key. */
export type WriteBlock = (beside: EntryPlace['value'], lead: string) => string;

/** Puts an entry below the others of a YAML block, laid out as the last of them, behind the comments that end the block. */
export function insertBlock(text: string, map: BlockMap, name: string, write: WriteBlock): readonly Splice[] {
  const last = map.entries.at(-1);
  if (last === undefined) return [];
  const column = columnOf(text, last.keyAt);
  const key = keyText(name, text.slice(last.keyAt, last.keyEnd), 'yaml');
  const inner = last.value?.kind === 'block' ? last.value.entries[0] : undefined;
  const deeper = inner === undefined ? column + Math.max(2, column) : columnOf(text, inner.keyAt);
  const gap = isSpaced(text, map) && !last.keeps ? newlineOf(text) : '';
  const entry = `${key}:${write(last.value, newlineOf(text) + ' '.repeat(deeper))}`;
  return insertLines(text, blockEnd(text, last, column - 1), `${gap}${' '.repeat(column)}${entry}`);
}

/** Puts lines in where one begins, or behind a last line that has no newline. */
export function insertLines(text: string, at: number, lines: string): readonly Splice[] {
  const open = at > 0 && text[at - 1] !== '\n';
  return [{ at, end: at, text: open ? newlineOf(text) + lines : lines + newlineOf(text) }];
}

/** Takes one of several entries out with the comments inside it; comments above it stay, and of two gaps one. */
export function removeBlock(text: string, map: BlockMap, index: number): readonly Splice[] {
  const [above, entry] = [map.entries[index - 1], map.entries[index]];
  if (entry === undefined) return [];
  const column = columnOf(text, entry.keyAt);
  const at = lineStart(text, entry.keyAt);
  const end = blockEnd(text, entry, column);
  const gap = above === undefined ? at : gapBefore(text, at, blockEnd(text, above, column));
  const last = index === map.entries.length - 1;
  // Blank lines left behind would become a part of the text above.
  const joins = above?.keeps === true && above.end === at;
  const behind = joins || (!last && (above === undefined || gap < at)) ? gapAfter(text, end) : end;
  if (!last) return [{ at, end: behind, text: '' }];
  // A last line without a newline takes that of the line before with it.
  const open = text[behind - 1] !== '\n' && !(joins && /\n\r?\n$/.test(text.slice(0, at)));
  return [{ at: open ? gap - (text[gap - 2] === '\r' ? 2 : 1) : gap, end: behind, text: '' }];
}

/** Where an entry ends: behind its last line, and behind the comments below that are indented deeper than `column`. */
function blockEnd(text: string, entry: EntryPlace, column: number): number {
  // A block of text ends with its newline.
  let end = text[entry.end - 1] === '\n' ? entry.end : lineEnd(text, entry.end);
  for (let at = end; at < text.length; at = lineEnd(text, at)) {
    const line = text.slice(at, lineEnd(text, at));
    if (line.trim() === '') continue;
    const indent = line.search(/\S/);
    if (line[indent] !== '#' || indent <= column) break;
    end = lineEnd(text, at);
  }
  return end;
}

/** Whether blank lines keep the last two entries apart. */
function isSpaced(text: string, { entries }: BlockMap): boolean {
  const [above, last] = entries.slice(-2);
  if (above === undefined || last === undefined) return false;
  const between = text.slice(blockEnd(text, above, columnOf(text, last.keyAt)), lineStart(text, last.keyAt));
  return /^[ \t\r]*\n/m.test(between);
}

function gapBefore(text: string, at: number, least: number): number {
  let start = at;
  for (let line = lineStart(text, start - 1); start > least; line = lineStart(text, start - 1)) {
    if (text.slice(line, start).trim() !== '') break;
    start = line;
  }
  return start;
}

function gapAfter(text: string, at: number): number {
  let end = at;
  while (end < text.length && text.slice(end, lineEnd(text, end)).trim() === '') end = lineEnd(text, end);
  return end;
}
