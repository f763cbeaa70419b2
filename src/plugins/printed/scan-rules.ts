import { Fault, type Recipe, type RecipeToken, safePattern } from '../../plugin.ts';
import { type JsonPath, readJsonPath } from './json-path.ts';
import type { ScanRules } from './scan.ts';

/** What to look for, and what to hide. */
export interface OutputRules extends ScanRules {
  /** The first group is a token, whether one is looked for or known by now; null: none is printed. */
  readonly hide: RegExp | null;
}

/** What to look for in the output of a backend by its recipe. `ownToken`: it was started without one of ours, and may print its own. */
export function scanRules(
  { prints, token }: Pick<Recipe, 'prints' | 'token'>,
  { hosts, fixed, ownToken }: Pick<ScanRules, 'hosts' | 'fixed'> & { readonly ownToken: boolean },
): OutputRules {
  const said = readSaid(token);
  const json = said.json === null ? null : taken(readJsonPath(said.json));
  const pattern = compile(said.pattern);
  const looked = ownToken
    ? { token: pattern, json, none: compile(said.none) }
    : { token: null, json: null, none: null };
  const hide = json === null ? pattern : whatStandsAt(json);
  return { ...looked, port: compile(prints), hosts, fixed, hide };
}

function readSaid(token: RecipeToken): Readonly<Record<'pattern' | 'json' | 'none', string | null>> {
  const nothing = { pattern: null, json: null, none: null };
  return token.from === 'nowhere' ? nothing : { ...nothing, ...token };
}

/** What stands at a path in a line, whole or not; where an index leads to it, all that follows. */
function whatStandsAt(path: JsonPath): RegExp {
  const isIndex = (part: string) => /^\d+$/.test(part);
  const name = path.findLast((part) => !isIndex(part));
  if (name === undefined) return /(.+)/u;
  const key = `"${name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}"\\s*:\\s*`;
  return new RegExp(isIndex(path.at(-1) ?? '') ? `${key}(.+)` : `${key}"?((?:[^"\\\\]|\\\\.)+)`, 'u');
}

function compile(pattern: string | null): RegExp | null {
  return pattern === null ? null : taken(safePattern(pattern));
}

function taken<Value>(
  read: { readonly value: Value } | { readonly trouble: { readonly message: string; readonly expected: string } },
): Value {
  if ('value' in read) return read.value;
  throw new Fault('CONFIG_INVALID', `${read.trouble.message}; expected ${read.trouble.expected}`);
}
