import { performance } from 'node:perf_hooks';

interface Teller {
  comment(text: string): unknown;
}

/** Writes a line of what a fault cost: `# measured F05 outage=5s recover=1.3s`; numbers are ms. */
export function measured(t: Teller, row: string, facts: Readonly<Record<string, string | number>>): void {
  const told = Object.entries(facts).map(
    ([name, value]) => `${name}=${typeof value === 'number' ? shown(value) : value}`,
  );
  t.comment(`measured ${row} ${told.join(' ')}`);
}

const shown = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)}ms` : `${(ms / 1_000).toFixed(1)}s`);

/** Starts a clock; what comes back tells its ms. */
export function clock(): () => number {
  const began = performance.now();
  return () => performance.now() - began;
}
