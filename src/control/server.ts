import { randomBytes } from 'node:crypto';
import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { Fault } from '../core/model/fault.ts';
import type { Supervisor } from '../core/supervisor/supervisor.ts';
import { openClient } from './client.ts';
import { type Folders, openFolders } from './folders.ts';
import { refuse } from './guard.ts';
import { answerFault, createRoutes } from './routes.ts';
import { takeSeat } from './seat.ts';

/** What the control API is given. */
export interface ControlOptions {
  readonly folders: Folders;
  readonly supervisor: Supervisor;
  readonly version: string;
  readonly down: (now: boolean) => void;
  /** How often it looks whether its socket is still in its place, ms. */
  readonly watch?: number;
}

/** The control API of a running daemon. */
export interface Control {
  /** Ends the event streams, frees the socket's name; safe to call twice. */
  close(): Promise<void>;
}

/** Larger than any of ours, small enough that nobody fills the memory; the bodies stand in guard.ts. */
const limits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};

/** Most clients at once; each is bounded to 1 MiB of backlog. */
const clients = 512;

/** Serves the control API on the user's socket. Throws ALREADY_RUNNING when a daemon answers there. */
export async function startControl(options: ControlOptions): Promise<Control> {
  const { folders, supervisor, version, down, watch = 2_000 } = options;
  const ending = new AbortController();
  const listener = guarded(createRoutes({ supervisor, version, down, signal: ending.signal }).fetch);
  let seat = await sit(folders, listener);
  const keep = async () => {
    if (inode(seat.path) === seat.inode) return publish(folders, seat);
    const old = seat.server;
    seat = await sit(folders, listener);
    old.close();
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
      if (inode(folders.socket) === seat.inode) unlinkSync(folders.socket);
      await shut(seat.server);
    },
  };
}

interface Seated {
  readonly server: Server;
  /** The lock that holds the seat: a hard link to the listening socket. */
  readonly path: string;
  readonly inode: number;
}

async function sit(folders: Folders, listener: RequestListener): Promise<Seated> {
  openFolders(folders);
  const fresh = join(folders.runtime, `.${randomBytes(5).toString('hex')}`);
  const server = await listen(fresh, listener);
  const listening = inode(fresh);
  try {
    const seat = await takeSeat(folders.runtime, fresh);
    if (!seat.mine) throw await alreadyRunning(seat.path);
    const seated = { server, path: seat.path, inode: listening ?? 0 };
    publish(folders, seated);
    return seated;
  } catch (error) {
    await shut(server);
    throw error instanceof Fault ? error : unusable(folders, error);
  } finally {
    if (inode(fresh) !== null) unlinkSync(fresh);
  }
}

function listen(path: string, listener: RequestListener): Promise<Server> {
  const server = createServer(limits, listener);
  server.maxConnections = clients;
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new Fault('RUNTIME_UNSAFE', `cannot listen at ${path}: ${error.message}; see TOWLINE_RUNTIME_DIR`, {
          cause: error,
        }),
      ),
    );
    server.once('listening', () => resolve(server));
    // The socket is born 0600: bind happens within this call.
    const before = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
  });
}

/** Puts the public name onto our socket in one step, over whatever stands there. */
function publish({ runtime, socket }: Folders, { path, inode: ours }: Seated): void {
  if (inode(socket) === ours) return;
  const beside = join(runtime, `.${randomBytes(5).toString('hex')}`);
  linkSync(path, beside);
  renameSync(beside, socket);
}

function inode(path: string): number | null {
  return lstatSync(path, { throwIfNoEntry: false })?.ino ?? null;
}

async function shut(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  // Event streams were told to end; a client that does not read must not hold the daemon's end.
  const cut = setTimeout(() => server.closeAllConnections(), 500);
  await closed;
  clearTimeout(cut);
}

async function alreadyRunning(socket: string): Promise<Fault> {
  const who = await openClient(socket, { timeout: 2_000 })
    .version()
    .catch(() => null);
  const known = who === null ? 'it does not say who it is' : `pid ${who.pid}, config ${who.config}`;
  return new Fault(
    'ALREADY_RUNNING',
    `a towline daemon runs already (${known}); see \`towline status\`, or end it with \`towline down\``,
    {
      detail: who === null ? {} : { pid: who.pid, config: who.config },
    },
  );
}

function unusable(folders: Folders, error: unknown): Fault {
  const text = error instanceof Error ? error.message : String(error);
  return new Fault(
    'RUNTIME_UNSAFE',
    `${folders.runtime} cannot be used: ${text}; name another in TOWLINE_RUNTIME_DIR`,
    { cause: error },
  );
}

function guarded(fetch: Parameters<typeof getRequestListener>[0]): RequestListener {
  const routed = getRequestListener(fetch, { overrideGlobalObjects: false });
  return (request, response) => {
    const refusal = refuse(request);
    if (refusal === null) {
      void routed(request, response);
      return;
    }
    void getRequestListener(
      () => {
        const answer = answerFault(refusal.fault, refusal.status);
        answer.headers.set('connection', 'close');
        return answer;
      },
      { overrideGlobalObjects: false },
    )(request, response);
  };
}
