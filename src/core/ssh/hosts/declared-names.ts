import { matchPatterns } from '../resolve/pattern.ts';

/** A file of ssh_config as far as its Host lines are concerned. */
export interface DeclaringFile {
  readonly lines: readonly {
    readonly line: {
      readonly keyword: string;
      readonly args: readonly string[];
      /** `file:line`. */
      readonly at: string;
    };
    readonly includes: readonly DeclaringFile[];
  }[];
}

/**
 * The names that Host lines declare, in the order in which ssh reads them, each with the places of those lines. Patterns name no
 * host, nor does a line its own negation takes back, nor one in a file that is included for other hosts only.
 */
export function declaredNames(roots: readonly DeclaringFile[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const root of roots) visit(root, [], found);
  return found;
}

/** Whether a Host line names this host (lower case), or has a pattern for it; `*` is for all, and tells nothing. */
export function isSpokenOf(files: readonly DeclaringFile[], host: string): boolean {
  const speaks = (args: readonly string[]) => {
    const patterns = args.map((arg) => arg.toLowerCase());
    if (matchPatterns(host, patterns) !== 'yes') return false;
    return patterns.some((pattern) => pattern !== '*' && matchPatterns(host, [pattern]) === 'yes');
  };
  return files.some(({ lines }) =>
    lines.some(({ line, includes }) => (line.keyword === 'host' && speaks(line.args)) || isSpokenOf(includes, host)),
  );
}

/** `around`: the patterns of the Host lines in whose blocks this file is included. */
function visit(file: DeclaringFile, around: readonly (readonly string[])[], found: Map<string, string[]>): void {
  let block: readonly string[] | null = null;
  for (const { line, includes } of file.lines) {
    const { keyword, args, at } = line;
    if (keyword === 'match') block = null;
    if (keyword === 'host') block = args;
    for (const child of includes) visit(child, block === null ? around : [...around, block], found);
    if (keyword !== 'host') continue;
    for (const name of args) {
      if (name === '' || /[*?!]/.test(name)) continue;
      if (![...around, args].every((patterns) => matchPatterns(name, patterns) === 'yes')) continue;
      const places = found.get(name);
      if (places === undefined) found.set(name, [at]);
      else if (!places.includes(at)) places.push(at);
    }
  }
}
