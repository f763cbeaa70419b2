import type { RelayStatus } from '../core/model/status.ts';

/** How many connections these relays have open. */
export function countOpen(relays: readonly Pick<RelayStatus, 'counters'>[]): number {
  return relays.reduce((sum, { counters }) => sum + counters.open, 0);
}

/** Open connections, counted in words. */
export function openText(count: number): string {
  return count === 1 ? 'one open connection' : `${count} open connections`;
}
