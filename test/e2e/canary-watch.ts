import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SshContainer } from '../fixtures/container.ts';

/** So often a process is looked at when it has just begun: it may become another program. */
const fresh = 10;
/** Each so many looks all of them are looked at again. */
const again = 50;

/**
 * Every command line of this machine, and every environment of what this process started, looked at each 10 ms until it is called. A container's
 * processes are seen from here too: the backend's own environment is where its token belongs.
 */
export function watchProcesses(): () => readonly string[] {
  const seen = new Set<string>();
  let known = new Map<number, { looks: number; ours: boolean }>();
  const isOurs = (pid: number): boolean => {
    if (pid === process.pid) return true;
    if (pid <= 1) return false;
    // The name before its parent may hold anything.
    return known.get(pid)?.ours ?? isOurs(Number(/.*\) . (\d+) /s.exec(read(`/proc/${pid}/stat`))?.[1] ?? 0));
  };
  let looks = 0;
  const look = () => {
    looks += 1;
    const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
    known = new Map(pids.map((pid) => [pid, known.get(pid) ?? { looks: 0, ours: isOurs(pid) }]));
    for (const [pid, one] of known) {
      one.looks += 1;
      if (one.looks > fresh && looks % again > 0) continue;
      seen.add(read(`/proc/${pid}/cmdline`));
      if (one.ours) seen.add(read(`/proc/${pid}/environ`));
    }
  };
  const timer = setInterval(look, 10);
  return () => {
    look();
    clearInterval(timer);
    return [...seen];
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // It has ended.
    return '';
  }
}

/** Every command line in the container, as its root sees them. */
export async function watchThere(container: SshContainer): Promise<() => Promise<string>> {
  await container.exec(
    'setsid node /towline/dist/test/e2e/canary-watch-main.js >/tmp/seen 2>&1 </dev/null & echo $! >/tmp/watch',
  );
  return async () => {
    const { stdout } = await container.exec(
      'kill -TERM "$(cat /tmp/watch)"; tail --pid="$(cat /tmp/watch)" -f /dev/null; cat /tmp/seen',
    );
    return stdout;
  };
}

/** Every file below a folder, but the one that keeps a hand-set token. */
export function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
    .filter((file) => !file.includes('/tokens/'));
}
