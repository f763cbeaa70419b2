import { type EntryPlace, type FlowMap, indentAt, newlineOf, spaceBefore } from './map-place.ts';
import { keyText, type Language } from './scalar-text.ts';
import type { Splice } from './splice.ts';

/** How the entries of a map in brackets are written, as the last of them shows. */
interface FlowStyle {
  /** White space before each key but the first. */
  readonly between: string;
  readonly colon: string;
  /** A key as written: its quotes are followed. */
  readonly key: string | null;
}

/** Writes the value of a new entry; it is told the value beside it, to be laid out likewise. */
export type WriteFlow = (beside: EntryPlace['value']) => string;

/** Puts an entry into a map in brackets, behind the others and laid out as the last of them. */
export function insertFlow(
  text: string,
  map: FlowMap,
  name: string,
  language: Language,
  write: WriteFlow,
): readonly Splice[] {
  const last = map.entries.at(-1);
  if (last === undefined) return fillFlow(text, map, `${keyText(name, null, language)}: ${write(null)}`);
  const { between, colon, key } = styleOf(text, map);
  const entry = `${keyText(name, key, language)}${colon}${write(last.value)}`;
  const { comma, rest } = separatorAt(text, last.end, map.end - 1);
  const commented = text.slice(last.end, rest).includes('#');
  // In the line of a comment it would be part of it.
  const space = commented && !between.includes('\n') ? `${newlineOf(text)}${indentAt(text, last.keyAt)}  ` : between;
  if (comma !== null) return [{ at: rest, end: rest, text: `${space}${entry},` }];
  if (!commented) return [{ at: last.end, end: last.end, text: `,${space}${entry}` }];
  return [
    { at: last.end, end: last.end, text: ',' },
    { at: rest, end: rest, text: `${space}${entry}` },
  ];
}

function fillFlow(text: string, map: FlowMap, entry: string): readonly Splice[] {
  const [indent, newline] = [indentAt(text, map.at), newlineOf(text)];
  const lines = text.slice(0, map.end).includes('\n');
  const deeper = indent === '' ? '  ' : indent;
  const filled = lines ? `${newline}${indent}${deeper}${entry}${newline}${indent}` : ` ${entry} `;
  const empty = text.slice(map.at + 1, map.end - 1).trim() === '';
  return [{ at: empty ? map.at + 1 : map.end - 1, end: map.end - 1, text: filled }];
}

/** Takes one of several entries out, with its comma and what is said of it in its line; other comments stay. */
export function removeFlow(text: string, map: FlowMap, index: number): readonly Splice[] {
  const [before, entry, next] = [map.entries[index - 1], map.entries[index], map.entries[index + 1]];
  if (entry === undefined) return [];
  const { comma, rest } = separatorAt(text, entry.end, map.end - 1);
  if (next !== undefined) {
    const space = text.slice(rest, next.keyAt).search(/\S|$/);
    return [{ at: entry.keyAt, end: rest + space, text: '' }];
  }
  const lead = spaceBefore(text, entry.keyAt);
  const beforeComment = before !== undefined && text.slice(before.end, lead).includes('#');
  // The bracket must not end up in the comment before the entry.
  const closed = /^[ \t]*\}/.test(text.slice(rest, map.end));
  const own = { at: beforeComment && closed ? entry.keyAt : lead, end: rest, text: '' };
  const separator = before === undefined ? null : separatorAt(text, before.end, entry.keyAt).comma;
  // A comma behind the last entry (YAML allows it) is the habit of the file.
  if (comma !== null || separator === null) return [own];
  if (separator + 1 >= own.at) return [{ ...own, at: separator }];
  return [{ at: separator, end: separator + 1, text: '' }, own];
}

/** The comma behind an entry, and where the entry with its comma and a comment in the same line ends. */
function separatorAt(text: string, from: number, to: number): { readonly comma: number | null; readonly rest: number } {
  const pattern = /[ \t]*#[^\r\n]*|[ \t]+|[\r\n]+|,/y;
  let comma: number | null = null;
  let rest = from;
  let sameLine = true;
  for (let at = from; at < to; at = pattern.lastIndex) {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text) ?? [];
    if (found === undefined) break;
    if (found === ',') comma = at;
    if (found === ',' || (sameLine && found.includes('#'))) rest = pattern.lastIndex;
    sameLine = found === ',' || (sameLine && !/[\r\n]/.test(found));
  }
  return { comma, rest };
}

function styleOf(text: string, map: FlowMap): FlowStyle {
  const last = map.entries.at(-1);
  if (last === undefined) return { between: ' ', colon: ': ', key: null };
  const written = text.slice(last.keyEnd, last.valueAt);
  const colon = /^[ \t]*:[ \t]*$/.test(written) ? written : ': ';
  const lead = text.slice(spaceBefore(text, last.keyAt), last.keyAt);
  // What stands before the only key tells nothing of what stands between two, unless each has a line.
  const alone = map.entries.length === 1 && !lead.includes('\n');
  const between = alone ? colon.slice(colon.indexOf(':') + 1) : lead;
  return { between, colon, key: text.slice(last.keyAt, last.keyEnd) };
}

/** A map in brackets with these entries (values as they are to be written), laid out as its neighbour. */
export function flowMapText(
  text: string,
  beside: EntryPlace['value'],
  entries: Readonly<Record<string, string>>,
  language: Language,
): string {
  const model: FlowMap = beside?.kind === 'flow' ? beside : { kind: 'flow', at: 0, end: 0, entries: [] };
  const style = styleOf(text, model);
  const [first] = model.entries;
  const opening = first === undefined ? ' ' : text.slice(spaceBefore(text, first.keyAt), first.keyAt);
  const closing = first === undefined ? ' ' : text.slice(spaceBefore(text, model.end - 1), model.end - 1);
  const pairs = Object.entries(entries).map(
    ([key, value]) => `${keyText(key, style.key, language)}${style.colon}${value}`,
  );
  return `{${opening}${pairs.join(`,${style.between}`)}${closing}}`;
}
