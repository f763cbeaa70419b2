import type { ClientConnection } from '../../model/plugin.ts';
import { formatEnd, readTcpTable, tcpState } from '../../socket/tcp-table.ts';

/**
 * Says of held clients who has left. A held socket is not read, so that only the kernel knows of a reset. A client that has sent its
 * FIN (CLOSE_WAIT) may well be waiting for the answer, unless no process has its socket any more, which can be seen on this machine; what it
 * sent before is still to be delivered. Where the kernel lists nothing, nobody counts as gone. A list that is read in pieces while sockets
 * come and go can lack one that is there: only who is missing twice counts.
 */
export async function departed(): Promise<(client: ClientConnection) => boolean> {
  const [once, twice] = [await look(), await look()];
  return (client) => once(client) && twice(client);
}

async function look(): Promise<(client: ClientConnection) => boolean> {
  const rows = await readTcpTable();
  if (rows === null) return () => false;
  const here = new Map(rows.map((row) => [`${row.local} ${row.remote}`, row]));
  return ({ from, to }) => {
    if (from === null || to === null) return false;
    const [ours, theirs] = [formatEnd(to.address, to.port), formatEnd(from.address, from.port)];
    const row = here.get(`${ours} ${theirs}`);
    if (row?.state === tcpState.established) return false;
    if (row?.state !== tcpState.closeWait) return true;
    return row.unread <= 1 && here.get(`${theirs} ${ours}`)?.inode === 0;
  };
}
