import { readFileSync } from 'node:fs';

/** Resident bytes of a process by proc_pid_status(5); 0 where that is not told. */
export function residentSize(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    // It is gone, or this is not Linux.
    return 0;
  }
}
