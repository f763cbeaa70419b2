import { lowerCase } from './pattern.ts';
import type { Settings } from './settings.ts';

/** HostKeyAlias, in lower case as ssh keeps it; null where none is set. */
export function hostKeyAliasOf(settings: Settings): string | null {
  const alias = settings.first('hostkeyalias')?.values[0];
  return alias === undefined ? null : lowerCase(alias);
}
