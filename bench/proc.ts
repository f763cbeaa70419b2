import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, which Linux has fixed at 100 for everything that /proc shows. */
const ticksPerSecond = 100;

/** A process and all its descendants, parents first; empty when it is gone. */
export function tree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(stat(Number(name))?.[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  const visit = (pid: number): void => {
    found.push(pid);
    for (const child of children.get(pid) ?? []) visit(child);
  };
  if (stat(root) !== null) visit(root);
  return found;
}

/** Proportional set size in bytes, summed over processes; one that is gone counts nothing. */
export function pss(pids: readonly number[]): number {
  return sum(pids, (pid) => Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024);
}

/** CPU seconds used so far by processes and by those children they have waited for. */
export function cpuSeconds(pids: readonly number[]): number {
  return sum(pids, (pid) => sum(stat(pid)?.slice(11, 15) ?? [], Number)) / ticksPerSecond;
}

/** True when one of the processes has mapped a file with that name. */
export function maps(pids: readonly number[], name: string): boolean {
  return pids.some((pid) => read(`/proc/${pid}/maps`).includes(name));
}

/** Fields of /proc/PID/stat from the third (state) on; null for a process that is gone or a zombie. */
function stat(pid: number): string[] | null {
  const text = read(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return text === '' || fields[0] === 'Z' ? null : fields;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // A process may end between the listing and the reading.
    return '';
  }
}

const sum = <T>(values: readonly T[], of: (value: T) => number): number =>
  values.reduce((total, value) => total + of(value), 0);
