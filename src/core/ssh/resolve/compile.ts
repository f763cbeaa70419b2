import { lineFault } from './config-fault.ts';
import type { ConfigFile } from './config-file.ts';
import type { ConfigLine } from './config-line.ts';
import type { Keeping, Keyword } from './keywords.ts';
import { type Condition, parseMatch } from './match-line.ts';
import type { Part } from './readers.ts';

/** What decides whether a block applies. */
export type Head =
  | { readonly kind: 'host'; readonly patterns: readonly string[] }
  | {
      readonly kind: 'match';
      readonly conditions: readonly Condition[];
      readonly at: string;
      /** Nobody but its user and root can have written the file: commands in it may be run. */
      readonly trusted: boolean;
    };

/** The lines from one Host or Match to the next. */
export interface Block {
  /** Null at the beginning of a file, where the block goes on in which the file is included. */
  readonly head: Head | null;
  readonly items: readonly Item[];
  /** Those of the items that count in a block that does not apply as well. */
  readonly anywhere: readonly Item[];
}

/** A line that says something, read once and ready to be evaluated for any host. */
export type Item = { readonly at: string } & (
  | { readonly do: 'include'; readonly files: readonly (readonly Block[])[] }
  | {
      readonly do: 'set';
      readonly parts: readonly Part[];
      readonly keep: Keeping;
      /** From the user's file rather than the system's. */
      readonly user: boolean;
      readonly trusted: boolean;
    }
  | { readonly do: 'unknown'; readonly keyword: string }
);

/** Reads every line of a file and of what it includes, as ssh checks them even in blocks that do not apply. */
export function compile(file: ConfigFile, table: ReadonlyMap<string, Keyword>): readonly Block[] {
  let items: Item[] = [];
  let anywhere: Item[] = [];
  const blocks: Block[] = [{ head: null, items, anywhere }];
  for (const { line, includes } of file.lines) {
    const head = headOf(line, file.trusted);
    if (head !== null) {
      items = [];
      anywhere = [];
      blocks.push({ head, items, anywhere });
      continue;
    }
    const item = read(line, includes, file, table);
    items.push(item);
    if (item.do !== 'set' || item.keep === 'first anywhere' || item.keep === 'last anywhere') anywhere.push(item);
  }
  return blocks;
}

function headOf(line: ConfigLine, trusted: boolean): Head | null {
  if (line.keyword === 'match') return { kind: 'match', conditions: parseMatch(line), at: line.at, trusted };
  if (line.keyword !== 'host') return null;
  if (line.args.includes('')) throw lineFault(line, 'has an empty pattern; remove it');
  return { kind: 'host', patterns: line.args };
}

function read(
  line: ConfigLine,
  includes: readonly ConfigFile[],
  { user, trusted }: ConfigFile,
  table: ReadonlyMap<string, Keyword>,
): Item {
  const { at, keyword } = line;
  if (keyword === 'include') return { do: 'include', at, files: includes.map((child) => compile(child, table)) };
  const known = table.get(keyword);
  if (known === undefined) return { do: 'unknown', at, keyword };
  return { do: 'set', at, parts: known.read(line, known.name), keep: known.keep, user, trusted };
}
