import { readdir, readFile, readlink } from 'node:fs/promises';
import { printable } from '../../model/printable.ts';
import { readTcpTable, tcpState } from '../../socket/tcp-table.ts';

/** Which process listens on a TCP port of this machine, as far as /proc shows it to this user; null when it does not. */
export async function listenOwner(port: number): Promise<{ readonly pid: number; readonly name: string } | null> {
  const rows = (await readTcpTable()) ?? [];
  const inodes = new Set(rows.flatMap((row) => (row.state === tcpState.listen && row.port === port ? row.inode : [])));
  if (inodes.size === 0) return null;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const fd of fds) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      if (inode === undefined || !inodes.has(Number(inode))) continue;
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?');
      return { pid: Number(pid), name: printable(name.trim()) };
    }
  }
  return null;
}
