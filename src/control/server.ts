import { unlinkSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { printable } from '../core/model/printable.ts';
import type { Reloaded, Touch } from '../core/supervisor/reloads.ts';
import type { Supervisor } from '../core/supervisor/supervisor.ts';
import { type Folders, mendMode } from './folders.ts';
import { refuse } from './guard.ts';
import { createRoutes } from './routes.ts';
import { inode, publish, shut, openControlSocket } from './socket.ts';

/** That a client could not be accepted is said so often at most, ms. */
const troublePeriod = 60_000;

/** What the control API is given. */
export interface ControlOptions {
  readonly folders: Folders;
  readonly supervisor: Supervisor;
  readonly version: string;
  readonly down: (now: boolean) => void;
  readonly reload: (touch: Touch) => Promise<Reloaded>;
  /** How often it looks whether its socket is still in its place, ms. */
  readonly watch?: number;
}

/** The control API of a running daemon. */
export interface Control {
  /** Ends the event streams, frees the socket's name; safe to call twice. */
  close(): Promise<void>;
}

/** Serves the control API on the user's socket. Throws ALREADY_RUNNING when a daemon answers there. */
export async function startControl(options: ControlOptions): Promise<Control> {
  const { folders, supervisor, version, down, reload, watch = 2_000 } = options;
  const ending = new AbortController();
  const listener = guarded(createRoutes({ supervisor, version, down, reload, signal: ending.signal }).fetch);
  const troubled = oncePer(troublePeriod, (error: Error) => {
    const text = `${folders.socket} could not accept a client (${printable(error.message)})`;
    supervisor.warn(`${text}; raise the limit of open files (ulimit -n, LimitNOFILE=)`);
  });
  let socket = await openControlSocket(folders, listener, troubled);
  const told = () => supervisor.warn(`somebody removed the control socket ${folders.socket}; it is there again`);
  const keep = async () => {
    const mode = mendMode(folders.runtime);
    if (mode !== null) supervisor.warn(`somebody set ${folders.runtime} to mode ${mode}; it is 0700 again`);
    if (inode(socket.path) === socket.inode) {
      if (publish(folders, socket)) told();
      return;
    }
    const old = socket.server;
    socket = await openControlSocket(folders, listener, troubled);
    old.close();
    told();
  };
  let keeping: Promise<void> | null = null;
  const timer = setInterval(() => {
    // A folder that cannot be mended now is tried again by the next tick; status and relays go on meanwhile.
    keeping ??= keep()
      .catch(() => undefined)
      .finally(() => {
        keeping = null;
      });
  }, watch).unref();
  return {
    close: async () => {
      clearInterval(timer);
      await keeping;
      ending.abort();
      if (inode(folders.socket) === socket.inode) unlinkSync(folders.socket);
      await shut(socket.server);
    },
  };
}

function oncePer(period: number, tell: (error: Error) => void): (error: Error) => void {
  let told = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (performance.now() - told < period) return;
    told = performance.now();
    tell(error);
  };
}

function guarded(fetch: Parameters<typeof getRequestListener>[0]): RequestListener {
  const routed = getRequestListener(fetch, { overrideGlobalObjects: false });
  return (request, response) => {
    const refusal = refuse(request);
    if (refusal === null) {
      void routed(request, response);
      return;
    }
    const { fault, status } = refusal;
    response.writeHead(status, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      connection: 'close',
    });
    response.end(JSON.stringify(fault.report()));
  };
}
