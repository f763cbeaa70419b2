import { lookup, resolveCname } from 'node:dns/promises';
import type { Names } from './canonicalize.ts';

const longestChain = 16;

/** The system's resolver for addresses, the name server for aliases. */
export const systemNames: Names = {
  async exists(name, family) {
    try {
      await lookup(name, { family });
      return true;
    } catch {
      // Not there, or not to be had now: ssh tries the next domain in both cases.
      return false;
    }
  },
  async canonical(name) {
    let last: string | null = null;
    for (let step = 0; step < longestChain; step++) {
      const next = await aliasOf(last ?? name);
      if (next === null) return last;
      last = next;
    }
    return last;
  },
};

async function aliasOf(name: string): Promise<string | null> {
  try {
    const [alias] = await resolveCname(name);
    return alias ?? null;
  } catch {
    // No alias.
    return null;
  }
}
