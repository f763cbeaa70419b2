import type { Endpoint } from '../core/model/endpoint.ts';
import { bindAll, closeAll } from '../core/supervisor/listeners/bind.ts';
import { listenFault } from '../core/supervisor/listeners/listen-fault.ts';
import { judgeSocketPath } from '../core/supervisor/listeners/stale-socket.ts';
import { connect } from './connect.ts';
import { holderOf } from './own-listener.ts';

/**
 * Throws why nobody could listen there now. What the running daemon of this user listens on is well, whatever its config: a reload lets go
 * before it binds, and no second daemon starts beside it.
 */
export async function tryListen(listen: Endpoint): Promise<void> {
  // Looking at a Unix socket makes a client of it: not of one that is ours.
  if (listen.kind === 'unix' && (await isOurs(listen))) return;
  try {
    if (listen.kind === 'unix') await judgeSocketPath(listen.path);
    else closeAll(await bindAll(listen));
  } catch (error) {
    const fault = await listenFault(error, listen);
    // Asked afterwards: it may have bound a moment ago what was just added to its config.
    if (fault.code === 'LISTEN_TAKEN' && (await isOurs(listen))) return;
    throw fault;
  }
}

async function isOurs(listen: Endpoint): Promise<boolean> {
  try {
    return holderOf((await connect().status()).relays, listen) !== null;
  } catch {
    // Without a daemon that answers nothing is its.
    return false;
  }
}
