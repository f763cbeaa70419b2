/** A map of a config file as it stands in the text: `{...}`, or a block of lines (YAML). Offsets in UTF-16 units. */
export type MapPlace = FlowMap | BlockMap;

/** A map in brackets. */
export interface FlowMap {
  readonly kind: 'flow';
  /** Where its opening bracket stands. */
  readonly at: number;
  /** Behind its closing bracket. */
  readonly end: number;
  readonly entries: readonly EntryPlace[];
}

/** A map whose keys stand one below the other. */
export interface BlockMap {
  readonly kind: 'block';
  readonly entries: readonly EntryPlace[];
}

/** One key of a map and its value. */
export interface EntryPlace {
  readonly name: string;
  readonly keyAt: number;
  readonly keyEnd: number;
  readonly valueAt: number;
  /** Behind the last character of the value; of the key, where there is no value. */
  readonly end: number;
  /** Whether it ends with a block of text that takes blank lines below for its own (`|+`). */
  readonly keeps: boolean;
  /** The value, where it is a map that stands here; null for anything else, also an alias. */
  readonly value: MapPlace | null;
  /** What stands in the value, where it is a list: its maps, and null for all else. Empty for no list, also for an alias. */
  readonly items: readonly (MapPlace | null)[];
}

/** Where the line of an offset begins. */
export function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** Where the next line begins; the end of the text for the last one. */
export function lineEnd(text: string, at: number): number {
  const newline = text.indexOf('\n', at);
  return newline === -1 ? text.length : newline + 1;
}

/** How many characters stand before an offset in its line. */
export function columnOf(text: string, at: number): number {
  return at - lineStart(text, at);
}

/** How far the line of an offset is indented: the spaces and tabs that it begins with. */
export function indentAt(text: string, at: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, at)))?.[0] ?? '';
}

/** Where the white space before an offset begins. */
export function spaceBefore(text: string, at: number): number {
  let start = at;
  while (start > 0 && ' \t\r\n'.includes(text[start - 1] ?? 'x')) start -= 1;
  return start;
}

/** What ends a line in this text. */
export function newlineOf(text: string): string {
  return /\r?\n/.exec(text)?.[0] ?? '\n';
}
