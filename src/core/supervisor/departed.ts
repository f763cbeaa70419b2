import type { ClientConnection } from '../model/plugin.ts';
import { formatEnd, readTcpTable, tcpState } from '../socket/tcp-table.ts';

/**
 * Says of held clients who has left. A held socket is not read, so that only the kernel knows of a reset. A client that has sent its
 * FIN (CLOSE_WAIT) may well be waiting for the answer. Where the kernel lists nothing, nobody counts as gone. A list that is read in pieces
 * while sockets come and go can lack one that is there: only who is missing twice counts.
 */
export async function departed(): Promise<(client: ClientConnection) => boolean> {
  const [once, twice] = [await look(), await look()];
  return (client) => once(client) && twice(client);
}

async function look(): Promise<(client: ClientConnection) => boolean> {
  const rows = await readTcpTable();
  if (rows === null) return () => false;
  const alive = [tcpState.established, tcpState.closeWait];
  const here = new Set(rows.flatMap(({ local, remote, state }) => (alive.includes(state) ? `${local} ${remote}` : [])));
  return ({ from, to }) => {
    if (from === null || to === null) return false;
    return !here.has(`${formatEnd(to.address, to.port)} ${formatEnd(from.address, from.port)}`);
  };
}
