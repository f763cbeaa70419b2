import { Fault, type Recipe, safePattern } from '../../plugin.ts';
import type { ScanRules } from './scan.ts';

/** What to look for in the output of a backend by its recipe. `ownToken`: it was started without one of ours, and may print its own. */
export function scanRules(
  { prints, token }: Pick<Recipe, 'prints' | 'token'>,
  { hosts, fixed, ownToken }: Pick<ScanRules, 'hosts' | 'fixed'> & { readonly ownToken: boolean },
): ScanRules {
  const said = ownToken && token.from !== 'nowhere' ? token : null;
  return { token: compile(said?.pattern), none: compile(said?.none), port: compile(prints), hosts, fixed };
}

function compile(pattern: string | null | undefined): RegExp | null {
  if (pattern === null || pattern === undefined) return null;
  const parsed = safePattern(pattern);
  if ('value' in parsed) return parsed.value;
  throw new Fault('CONFIG_INVALID', `${parsed.trouble.message}; expected ${parsed.trouble.expected}`);
}
