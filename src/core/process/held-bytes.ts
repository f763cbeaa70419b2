import { readFileSync } from 'node:fs';

/** Bytes of a process that are in memory, or were and are swapped out, by proc_pid_status(5); 0 where that is not told. */
export function heldBytes(pid: number): number {
  try {
    const kibibytes = readFileSync(`/proc/${pid}/status`, 'utf8').matchAll(/^Vm(?:RSS|Swap):\s+(\d+) kB/gm);
    return [...kibibytes].reduce((sum, [, count]) => sum + Number(count), 0) * 1024;
  } catch {
    // It is gone, or this is not Linux.
    return 0;
  }
}

let resident = 0;

/** Resident bytes of this process. Node reads them from a file, which fails where no descriptor is left: then the last figure stands. */
export function residentBytes(): number {
  try {
    resident = process.memoryUsage.rss();
  } catch {
    // That is no reason to die.
  }
  return resident;
}
