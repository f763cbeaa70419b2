import { type ForwardConfig, listensHere } from '../model/config.ts';
import { type Ends, formatEndpoint, formatEnds } from '../model/endpoint.ts';

/**
 * Which listener of a relay goes on as which: for each forward of `after` the place of one in `before`, null: it needs a new listener. The
 * same ends are looked for first, so that of two `:0` listeners the one that stays is the one whose target stays. Pure.
 */
export function matchForwards(
  before: readonly ForwardConfig[],
  after: readonly ForwardConfig[],
): readonly (number | null)[] {
  const free = new Set(before.keys());
  const found = new Map<number, number>();
  for (const nameOf of [formatEnds, ({ listen }: Ends) => formatEndpoint(listen)]) {
    for (const [index, forward] of after.entries()) {
      if (found.has(index) || !listensHere(forward)) continue;
      const match = [...free].find((place) => {
        const old = before[place];
        return old !== undefined && listensHere(old) && nameOf(old) === nameOf(forward);
      });
      if (match === undefined) continue;
      free.delete(match);
      found.set(index, match);
    }
  }
  return after.map((_, index) => found.get(index) ?? null);
}
