import type { Met } from './seen.ts';

/**
 * What was seen of one rival in several rounds of one fault: the median of who was back, all that failed, the latest that was noticed, and of the open
 * connections the worst end and the latest. Pure.
 */
export function ofRounds(rounds: readonly Met[]): Met {
  const [only, ...others] = rounds;
  if (only === undefined) throw new Error('there was no round');
  if (others.length === 0) return only;
  const lost = rounds.map(({ open }) => open).filter(({ how }) => how !== 'lives');
  const how = lost.some((open) => open.how === 'end') ? 'end' : lost.length > 0 ? 'reset' : 'lives';
  const backs = rounds.map(({ newcomers }) => newcomers.back);
  return {
    noticed: latest(rounds.map(({ noticed }) => noticed)),
    open: { how, after: latest(lost.map(({ after }) => after)) },
    newcomers: {
      tried: sum(rounds.map(({ newcomers }) => newcomers.tried)),
      failed: sum(rounds.map(({ newcomers }) => newcomers.failed)),
      back: middle(backs),
    },
    rounds: { count: rounds.length, lost: lost.length, backs },
  };
}

/** From the shortest time to the longest; what never came is the last. */
export const inOrder = (times: readonly (number | null)[]): readonly (number | null)[] =>
  [...times].sort((a, b) => (a ?? Number.POSITIVE_INFINITY) - (b ?? Number.POSITIVE_INFINITY));

const latest = (times: readonly (number | null)[]): number | null => inOrder(times).at(-1) ?? null;

/** The middle one, of an even number the later one; null where that never came, or there is none. */
const middle = (times: readonly (number | null)[]): number | null =>
  inOrder(times)[Math.floor(times.length / 2)] ?? null;

const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0);
