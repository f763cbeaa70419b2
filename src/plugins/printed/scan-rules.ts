import { Fault, type Recipe, safePattern } from '../../plugin.ts';
import { readJsonPath } from './json-path.ts';
import type { ScanRules } from './scan.ts';

/** What to look for in the output of a backend by its recipe. `ownToken`: it was started without one of ours, and may print its own. */
export function scanRules(
  { prints, token }: Pick<Recipe, 'prints' | 'token'>,
  { hosts, fixed, ownToken }: Pick<ScanRules, 'hosts' | 'fixed'> & { readonly ownToken: boolean },
): ScanRules {
  const said = ownToken && token.from !== 'nowhere' ? token : null;
  const port = compile(prints);
  if (said !== null && 'json' in said)
    return { token: null, json: readJsonPath(said.json), none: null, port, hosts, fixed };
  return { token: compile(said?.pattern), json: null, none: compile(said?.none), port, hosts, fixed };
}

/** What finds a token in a text by these rules, to hide it: where they lead into JSON, all that stands behind the last name. */
export function hidingPattern({ token, json }: Pick<ScanRules, 'token' | 'json'>): RegExp | null {
  const name = json?.findLast((part) => !/^\d+$/.test(part));
  if (name === undefined) return token;
  const key = name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return new RegExp(`"${key}"\\s*:\\s*\\[?\\s*"?((?:[^"\\\\]|\\\\.)+)`, 'u');
}

function compile(pattern: string | null | undefined): RegExp | null {
  if (pattern === null || pattern === undefined) return null;
  const parsed = safePattern(pattern);
  if ('value' in parsed) return parsed.value;
  throw new Fault('CONFIG_INVALID', `${parsed.trouble.message}; expected ${parsed.trouble.expected}`);
}
