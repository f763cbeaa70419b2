import { canonicalAddress, looksLikeAddress } from './address.ts';
import { configFault } from './config-fault.ts';
import { lowerCase, matchPatterns } from './pattern.ts';
import type { Settings } from './settings.ts';

/** What a name server knows. Rejects for nothing but the signal. */
export interface Names {
  /** Whether a name has an address, of the family that is asked for. */
  exists(name: string, family: 0 | 4 | 6): Promise<boolean>;
  /** The name at the end of a chain of aliases (CNAME); null where the name is no alias. */
  canonical(name: string): Promise<string | null>;
}

/**
 * The name under which a host is reached, after CanonicalizeHostname and its fellows (ssh_config(5)). Throws SSH_CONFIG_INVALID where
 * CanonicalizeFallbackLocal forbids to go on.
 */
export async function canonicalize(name: string, settings: Settings, names: Names): Promise<string> {
  const value = (keyword: string) => settings.first(keyword)?.values[0];
  const mode = value('canonicalizehostname') ?? 'false';
  const wanted = value('addressfamily') ?? 'any';
  const family = wanted === 'inet' ? 4 : wanted === 'inet6' ? 6 : 0;
  const rules = settings.first('canonicalizepermittedcnames')?.values ?? [];
  const permitted = rules.length === 1 && rules[0]?.toLowerCase() === 'none:' ? [] : rules;
  const direct = (value('proxycommand') ?? 'none').toLowerCase() === 'none' && !jumps(settings);
  const mayLook = direct || mode === 'always';
  const follow = async (found: string): Promise<string> => {
    if (permitted.length === 0 || mode === 'false' || !mayLook) return found;
    const alias = await names.canonical(found);
    const target = alias === null ? null : alias.replace(/\.$/, '');
    return target !== null && target !== found && isPermitted(found, target, permitted) ? target : found;
  };

  const address = canonicalAddress(name);
  // What differs in its case only is left as it was written, as in ssh.
  if (address !== null && fits(address, family)) return lowerCase(address) === lowerCase(name) ? name : address;
  const lower = address === null && !looksLikeAddress(name) ? lowerCase(name) : name;
  if (looksLikeAddress(lower) || address !== null) return lower;
  if (mode !== 'false' && mayLook) {
    const found = await search(lower, settings, names, family);
    if (found !== null) return follow(found);
    if (tooManyDots(lower, settings)) return cnameOnly();
    if ((value('canonicalizefallbacklocal') ?? 'yes') === 'no') {
      throw configFault(
        `${settings.first('canonicalizefallbacklocal')?.at}: "${lower}" is in no canonical domain; correct the name, or allow the fallback`,
      );
    }
  }
  return cnameOnly();

  async function cnameOnly(): Promise<string> {
    if (permitted.length === 0 || !mayLook || mode === 'false') return lower;
    return (await names.exists(lower, family)) ? follow(lower) : lower;
  }
}

function jumps(settings: Settings): boolean {
  return settings.first('proxyjump') !== undefined;
}

function fits(address: string, family: 0 | 4 | 6): boolean {
  return family === 0 || (family === 6) === address.includes(':');
}

function tooManyDots(name: string, settings: Settings): boolean {
  if (name.endsWith('.')) return false;
  const most = Number(settings.first('canonicalizemaxdots')?.values[0] ?? 1);
  return name.split('.').length - 1 > most;
}

async function search(name: string, settings: Settings, names: Names, family: 0 | 4 | 6): Promise<string | null> {
  if (name.endsWith('.')) return (await names.exists(name, family)) ? name.slice(0, -1) : null;
  if (tooManyDots(name, settings)) return null;
  for (const domain of settings.first('canonicaldomains')?.values ?? []) {
    if (domain === 'none') return null;
    if (await names.exists(`${name}.${domain}.`, family)) return `${name}.${domain}`;
  }
  return null;
}

function isPermitted(name: string, target: string, rules: readonly string[]): boolean {
  return rules.some((rule) => {
    const colon = rule.indexOf(':');
    const [sources, targets] = [rule.slice(0, colon), rule.slice(colon + 1)];
    const asked = [
      [name, sources],
      [target, targets],
    ] as const;
    return asked.every(([text, list]) => matchPatterns(text, lowerCase(list).split(',')) === 'yes');
  });
}
