import { readFile } from 'node:fs/promises';
import type { ClientConnection } from '../model/plugin.ts';

/** ESTABLISHED, and CLOSE_WAIT: a client that has sent its FIN may well be waiting for the answer. */
const alive = ['01', '08'];

/**
 * Says of held clients who has left. A held socket is not read, so that only the kernel knows of a reset. Where there is no
 * /proc/net/tcp, nobody counts as gone.
 */
export async function departed(): Promise<(client: ClientConnection) => boolean> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((table) => readFile(table, 'utf8').catch(() => null)),
  );
  if (tables[0] === null) return () => false;
  const here = new Set<string>();
  for (const text of tables) {
    for (const line of text?.split('\n') ?? []) {
      const [, local, remote, state] = line.trim().split(/\s+/);
      if (local !== undefined && remote !== undefined && alive.includes(state ?? ''))
        here.add(`${port(local)} ${port(remote)}`);
    }
  }
  return ({ from, to }) => from !== null && to !== null && !here.has(`${to.port} ${from.port}`);
}

function port(address: string): number {
  return Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16);
}
