import { hostKeyAliasOf } from './host-key-alias.ts';
import { createHash } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import type { ExecFacts } from './evaluate.ts';
import type { Resolution, ResolveOptions } from './resolution.ts';

/** What `%x` stands for in most keywords (ssh_config(5), TOKENS). */
export function connectionLetters({
  hostName,
  user,
  port,
  query,
  settings,
  options,
}: Omit<Resolution, 'files'>): Record<string, string> {
  const alias = hostKeyAliasOf(settings) ?? query.host;
  return lettersOf({ hostName, user, port, original: query.host, hostKeyAlias: alias }, options);
}

/** What `%x` stands for in a `Match exec`, by what is known so far. */
export function execLetters(facts: ExecFacts, options: ResolveOptions): Record<string, string> {
  return lettersOf({ ...facts, hostKeyAlias: facts.hostKeyAlias ?? facts.hostName }, options);
}

function lettersOf(facts: ExecFacts, { home, localUser }: ResolveOptions): Record<string, string> {
  const { hostName, original, user, port, hostKeyAlias } = facts;
  const here = hostname();
  return {
    C: createHash('sha1').update(`${here}${hostName}${port}${user}`).digest('hex'),
    d: home,
    h: hostName,
    i: String(userInfo().uid),
    k: hostKeyAlias ?? original,
    L: here.replace(/\..*$/s, ''),
    l: here,
    n: original,
    p: String(port),
    r: user,
    u: localUser,
  };
}
