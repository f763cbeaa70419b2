import type { ClientConnection } from '../../model/plugin.ts';
import { formatEnd, type readTcpTable, tcpState } from '../../socket/tcp-table.ts';
import type { Connection } from './connection.ts';

/** Whether one who was there when the look began has left. */
export type Gone = (connection: Pick<Connection, 'client' | 'since'>) => boolean;

type Missing = (client: ClientConnection) => boolean;

/** A look no older than this, ms, is as good as a new one for who asks only now and then. */
const recent = 500;

/**
 * Says of held clients who has left. A held socket is not read, so that only the kernel knows of a reset. It lists every socket of the machine,
 * which takes tens of ms where there are thousands of them: one look at a time, which all relays share.
 */
export class Departures {
  readonly #read: typeof readTcpTable;
  #running: Promise<Gone> | null = null;
  #next: Promise<Gone> | null = null;
  #last: Promise<Gone> | null = null;

  constructor(read: typeof readTcpTable) {
    this.#read = read;
  }

  /** Looks now, or right after the look that is under way. */
  look(): Promise<Gone> {
    if (this.#running === null) return this.#begin();
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.#begin();
    });
    return this.#next;
  }

  /** What was seen just now, or is seen now. */
  lately(): Promise<Gone> {
    return this.#last ?? this.look();
  }

  #begin(): Promise<Gone> {
    const began = performance.now();
    const mine = this.#twice(began).finally(() => {
      if (this.#running === mine) this.#running = null;
      setTimeout(
        () => {
          if (this.#last === mine) this.#last = null;
        },
        Math.max(0, began + recent - performance.now()),
      ).unref();
    });
    this.#running = mine;
    this.#last = mine;
    return mine;
  }

  /** A list that is read in pieces while sockets come and go can lack one that is there: only who is missing twice counts. */
  async #twice(began: number): Promise<Gone> {
    const [once, twice] = [await this.#missing(), await this.#missing()];
    return ({ client, since }) => since < began && once(client) && twice(client);
  }

  /**
   * A client that has sent its FIN (CLOSE_WAIT) may well be waiting for the answer, unless no process has its socket any more, which can be seen
   * on this machine; what it sent before is still to be delivered. Where the kernel lists nothing, nobody counts as gone.
   */
  async #missing(): Promise<Missing> {
    const rows = await this.#read();
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
}
