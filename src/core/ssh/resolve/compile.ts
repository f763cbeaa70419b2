import { lineFault } from './config-fault.ts';
import type { ConfigFile } from './config-file.ts';
import type { ConfigLine } from './config-line.ts';
import type { Keeping, Keyword } from './keywords.ts';
import { type Condition, parseMatch } from './match-line.ts';
import type { Part } from './readers.ts';

/** A line of an ssh_config, read once and ready to be evaluated for any host. */
export type Item = { readonly at: string } & (
  | { readonly do: 'host'; readonly patterns: readonly string[] }
  | {
      readonly do: 'match';
      readonly conditions: readonly Condition[];
      /** Nobody but its user and root can have written the file: commands in it may be run. */
      readonly trusted: boolean;
    }
  | { readonly do: 'include'; readonly files: readonly (readonly Item[])[] }
  | {
      readonly do: 'set';
      readonly keyword: string;
      readonly parts: readonly Part[];
      readonly keep: Keeping;
      /** From the user's file rather than the system's. */
      readonly user: boolean;
    }
  | { readonly do: 'unknown'; readonly keyword: string }
);

/** Reads every line of a file and of what it includes, as ssh checks them even in blocks that do not apply. */
export function compile(file: ConfigFile, table: ReadonlyMap<string, Keyword>): readonly Item[] {
  return file.lines.map((line): Item => {
    const { at, keyword } = line;
    switch (keyword) {
      case 'host':
        return { do: 'host', at, patterns: hostPatterns(line) };
      case 'match':
        return { do: 'match', at, conditions: parseMatch(line), trusted: file.trusted };
      case 'include':
        return { do: 'include', at, files: line.includes.map((child) => compile(child, table)) };
    }
    const known = table.get(keyword);
    if (known === undefined) return { do: 'unknown', at, keyword };
    return { do: 'set', at, keyword, parts: known.read(line, known.name), keep: known.keep, user: file.user };
  });
}

function hostPatterns(line: ConfigLine): readonly string[] {
  if (line.args.includes('')) throw lineFault(line, 'has an empty pattern; remove it');
  return line.args;
}
