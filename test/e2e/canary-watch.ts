import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SshContainer } from '../fixtures/container.ts';
import { descendants } from '../fixtures/process-tree.ts';

/**
 * Every command line of this machine, and every environment of what the test started, looked at each 10 ms until it is called. A container's
 * processes are seen from here too: the backend's own environment is where its token belongs.
 */
export function watchProcesses(): () => readonly string[] {
  const seen = new Set<string>();
  const read = (file: string) => {
    try {
      seen.add(readFileSync(file, 'latin1'));
    } catch {
      // It has ended.
    }
  };
  const look = () => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) read(`/proc/${pid}/cmdline`);
    for (const { pid } of descendants(process.pid)) read(`/proc/${pid}/environ`);
  };
  const timer = setInterval(look, 10);
  return () => {
    look();
    clearInterval(timer);
    return [...seen];
  };
}

/** Every command line in the container, as its root sees them. */
export async function watchThere(container: SshContainer): Promise<() => Promise<string>> {
  const loop =
    'while [ ! -e /tmp/enough ]; do for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline 2>/dev/null; echo; done; sleep 0.01; done';
  await container.exec(`(${loop}) >/tmp/seen 2>/dev/null & echo begun`);
  return async () => {
    await container.exec('touch /tmp/enough');
    return (await container.exec('sort -u /tmp/seen')).stdout;
  };
}

/** Every file below a folder, but the one that keeps a hand-set token. */
export function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
    .filter((file) => !file.includes('/tokens/'));
}
