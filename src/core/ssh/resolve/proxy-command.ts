import { hostKeyAliasOf } from './host-key-alias.ts';
import type { Resolution } from './resolution.ts';
import { checkHost, checkUser } from './host-name.ts';
import { expandTokens } from './tokens.ts';

/** Replaces the tokens of a ProxyCommand, whose values must be such that a shell takes no harm. Throws HOST_INVALID, SSH_CONFIG_INVALID. */
export function expandProxyCommand(
  text: string,
  { query, hostName, user, port, settings }: Resolution,
  at: string,
): string {
  const alias = hostKeyAliasOf(settings) ?? query.host;
  for (const name of [query.host, hostName, alias]) checkHost(name, `${at}: `);
  checkUser(user, `${at}: `);
  const letters = { h: hostName, k: alias, n: query.host, p: String(port), r: user };
  return expandTokens(text, { letters, env: null }, at);
}
