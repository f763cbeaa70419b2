import { type Complaint, quote } from './problem.ts';
import { deepest, type Reading, type SourceEntry, type SourceNode } from './source-node.ts';

/** Where the reader stands, and the first thing that is not JSON. */
interface Cursor {
  readonly text: string;
  at: number;
  complaint: Complaint | null;
}

/** Reads RFC 8259 JSON and nothing more, with the position of each value. JSON.parse gives no positions and hides duplicates. */
export function readJson(text: string): Reading {
  const cursor: Cursor = { text, at: 0, complaint: null };
  const node = readValue(cursor, 1);
  skipSpace(cursor);
  if (cursor.complaint === null && cursor.at < text.length) complain(cursor, 'nothing after the end of the value');
  if (cursor.complaint !== null || node === null) return { complaints: cursor.complaint ? [cursor.complaint] : [] };
  return { node };
}

function complain(cursor: Cursor, expected: string, message?: string): null {
  cursor.complaint ??= { at: cursor.at, path: [], message: message ?? surprise(cursor), expected };
  return null;
}

/** Names what stands at the cursor: one character at most, for it may be part of a secret. */
function surprise({ text, at }: Cursor): string {
  if (at >= text.length) return 'the file ends too early';
  if (text.startsWith('//', at) || text.startsWith('/*', at) || text[at] === '#') {
    return 'a comment is not JSON (a .yaml file may have comments)';
  }
  const word = /(?:NaN|-?Infinity|undefined|True|False|None)\b/y;
  word.lastIndex = at;
  const match = word.exec(text);
  if (match !== null) return `${match[0]} is not JSON`;
  return `${quote(String.fromCodePoint(text.codePointAt(at) ?? 0))} is out of place`;
}

function skipSpace(cursor: Cursor): void {
  while (cursor.at < cursor.text.length && ' \t\r\n'.includes(cursor.text[cursor.at] ?? 'x')) cursor.at += 1;
}

function readValue(cursor: Cursor, depth: number): SourceNode | null {
  skipSpace(cursor);
  if (depth > deepest) return complain(cursor, `at most ${deepest} levels`, 'the nesting is too deep');
  const char = cursor.text[cursor.at];
  if (char === '{') return readMap(cursor, depth);
  if (char === '[') return readList(cursor, depth);
  if (char === '"') return readString(cursor);
  return readWord(cursor);
}

function readMap(cursor: Cursor, depth: number): SourceNode | null {
  const at = cursor.at;
  const entries: SourceEntry[] = [];
  while (true) {
    const first = entries.length === 0;
    cursor.at += 1;
    skipSpace(cursor);
    if (first && cursor.text[cursor.at] === '}') break;
    if (cursor.text[cursor.at] === '}') return complain(cursor, 'a key', 'a comma before this "}" is not JSON');
    if (cursor.text[cursor.at] !== '"') return complain(cursor, 'a key in double quotes');
    const key = readString(cursor);
    if (key === null) return null;
    skipSpace(cursor);
    if (cursor.text[cursor.at] !== ':') return complain(cursor, '":" after the key');
    cursor.at += 1;
    const node = readValue(cursor, depth + 1);
    if (node === null) return null;
    entries.push({ key: key.value, keyAt: key.at, node });
    skipSpace(cursor);
    if (cursor.text[cursor.at] === '}') break;
    if (cursor.text[cursor.at] !== ',') return complain(cursor, '"," or "}"');
  }
  cursor.at += 1;
  return { kind: 'map', at, entries };
}

function readList(cursor: Cursor, depth: number): SourceNode | null {
  const at = cursor.at;
  const items: SourceNode[] = [];
  while (true) {
    const first = items.length === 0;
    cursor.at += 1;
    skipSpace(cursor);
    if (first && cursor.text[cursor.at] === ']') break;
    if (cursor.text[cursor.at] === ']') return complain(cursor, 'a value', 'a comma before this "]" is not JSON');
    const node = readValue(cursor, depth + 1);
    if (node === null) return null;
    items.push(node);
    skipSpace(cursor);
    if (cursor.text[cursor.at] === ']') break;
    if (cursor.text[cursor.at] !== ',') return complain(cursor, '"," or "]"');
  }
  cursor.at += 1;
  return { kind: 'list', at, items };
}

function readString(cursor: Cursor): { kind: 'scalar'; at: number; value: string; source: string } | null {
  const { text, at } = cursor;
  const known = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
  cursor.at += 1;
  while (text[cursor.at] !== '"') {
    const char = text[cursor.at];
    if (char === undefined || char === '\n') {
      cursor.at = at;
      return complain(cursor, 'a closing double quote on the same line', 'the string does not end');
    }
    if (char < ' ') return complain(cursor, 'an escape such as \\t', 'a control character stands in a string');
    if (char === '\\') {
      known.lastIndex = cursor.at;
      if (!known.test(text)) {
        return complain(cursor, '\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\uXXXX', 'a backslash begins no known escape');
      }
      cursor.at = known.lastIndex;
    } else cursor.at += 1;
  }
  cursor.at += 1;
  const source = text.slice(at, cursor.at);
  return { kind: 'scalar', at, value: String(JSON.parse(source)), source };
}

function readWord(cursor: Cursor): SourceNode | null {
  const word = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;
  word.lastIndex = cursor.at;
  const source = word.exec(cursor.text)?.[0];
  if (source === undefined) return complain(cursor, 'a JSON value');
  const at = cursor.at;
  cursor.at = word.lastIndex;
  const words: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };
  const value = Object.hasOwn(words, source) ? (words[source] ?? null) : Number(source);
  return { kind: 'scalar', at, value, source };
}
