import { readdir, readFile, readlink } from 'node:fs/promises';
import { printable } from '../model/printable.ts';

/** Which process listens on a TCP port of this machine, as far as /proc shows it to this user; null when it does not. */
export async function listenOwner(port: number): Promise<{ readonly pid: number; readonly name: string } | null> {
  const inodes = await listeningInodes(port);
  if (inodes.size === 0) return null;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const fd of fds) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?');
      return { pid: Number(pid), name: printable(name.trim()) };
    }
  }
  return null;
}

async function listeningInodes(port: number): Promise<ReadonlySet<string>> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const found = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(table, 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const field = line.trim().split(/\s+/);
      const [, local, , state] = field;
      if (state === '0A' && local?.endsWith(wanted) && field[9] !== undefined) found.add(field[9]);
    }
  }
  return found;
}
