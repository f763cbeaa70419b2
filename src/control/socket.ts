import { randomBytes } from 'node:crypto';
import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { Fault } from '../core/model/fault.ts';
import { openClient } from './client.ts';
import { type Folders, openFolders } from './folders.ts';
import { takeLock } from './lock.ts';

/** Larger than any of ours, small enough that nobody fills the memory; the bodies stand in guard.ts. */
const limits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 500,
};

/** Most clients at once; each is bounded to 1 MiB of backlog. */
const clients = 512;

/** An HTTP server on the user's socket, the only one of its kind. */
export interface ControlSocket {
  readonly server: Server;
  /** The lock: a hard link to the listening socket. */
  readonly path: string;
  readonly inode: number;
}

/**
 * Takes the lock of the user's one daemon and listens there; `troubled` hears of each client that could not be accepted. Throws
 * ALREADY_RUNNING when a daemon answers.
 */
export async function openControlSocket(
  folders: Folders,
  listener: RequestListener,
  troubled: (error: Error) => void,
): Promise<ControlSocket> {
  openFolders(folders);
  const fresh = join(folders.runtime, `.${randomBytes(5).toString('hex')}`);
  const server = await listen(fresh, listener);
  // EMFILE and its like: it lives on, and accepts again when there is room.
  server.on('error', troubled);
  const listening = inode(fresh);
  try {
    const lock = await takeLock(folders.runtime, fresh);
    if (!lock.mine) throw await alreadyRunning(lock.path);
    const opened = { server, path: lock.path, inode: listening ?? 0 };
    publish(folders, opened);
    return opened;
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

/** Puts the public name onto our socket in one step, over whatever stands there; false: it was there. */
export function publish({ runtime, socket }: Folders, { path, inode: ours }: ControlSocket): boolean {
  if (inode(socket) === ours) return false;
  const beside = join(runtime, `.${randomBytes(5).toString('hex')}`);
  linkSync(path, beside);
  renameSync(beside, socket);
  return true;
}

/** The inode behind a name; null where there is nothing. */
export function inode(path: string): number | null {
  return lstatSync(path, { throwIfNoEntry: false })?.ino ?? null;
}

/** Ends a server; a client that does not read cannot hold it up. */
export async function shut(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  // Event streams were told to end; a client that does not read must not hold the daemon's end.
  const cut = setTimeout(() => server.closeAllConnections(), 500);
  await closed;
  clearTimeout(cut);
}

async function alreadyRunning(socket: string): Promise<Fault> {
  const client = openClient(socket, { timeout: 2_000 });
  const who = await client.version().catch(() => null);
  if (who === null) {
    const text = 'a towline daemon runs already (it does not say who it is)';
    return new Fault('ALREADY_RUNNING', `${text}; see \`towline status\`, or end it with \`towline down\``);
  }
  const stopping = await client.status().then(
    (status) => status.stopping,
    () => false,
  );
  const known = `(pid ${who.pid}, config ${who.config})`;
  const text = stopping
    ? `the towline daemon before ${known} is still ending; wait until it has, or have it cut what is open with \`towline down --now\``
    : `a towline daemon runs already ${known}; see \`towline status\`, or end it with \`towline down\``;
  return new Fault('ALREADY_RUNNING', text, { detail: { pid: who.pid, config: who.config } });
}

function unusable(folders: Folders, error: unknown): Fault {
  const text = error instanceof Error ? error.message : String(error);
  return new Fault(
    'RUNTIME_UNSAFE',
    `${folders.runtime} cannot be used: ${text}; name another in TOWLINE_RUNTIME_DIR`,
    { cause: error },
  );
}
