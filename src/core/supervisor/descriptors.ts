import { readFileSync } from 'node:fs';

/** What a daemon needs beside its clients: the control API and its readers, files, workers, and a reserve. */
const reserve = 64;
/** Pipes and sockets of one relay: its worker's and its listeners'. */
const each = 8;

/** How many files this process may have open (getrlimit(2), RLIMIT_NOFILE; Node raises it to the hard limit); null where it is not told. */
export function descriptorLimit(): number | null {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return line?.[1] === undefined ? null : Number(line[1]);
  } catch {
    // No /proc: not Linux.
    return null;
  }
}

/** How many clients may be open at once so that the daemon itself keeps working: one descriptor here and one in a worker for each. */
export function clientRoom(limit: number | null, relays: number): number | null {
  return limit === null ? null : Math.max(1, limit - reserve - each * relays);
}
