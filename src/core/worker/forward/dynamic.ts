import type { Socket } from 'node:net';
import type { Endpoint } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import type { Channel, Originator } from '../../ssh/link/link.ts';
import type { WindowBudget } from '../../ssh/link/receive-window.ts';
import { splice } from '../clients/splice.ts';
import { Intake } from './intake.ts';
import type { ForwardKind, Way } from './kind.ts';
import { readSocks, SocksRefusal, type SocksRequest } from './socks.ts';

/** How long a client may take to say where it wants to go, ms. */
const patience = 30_000;

/** `dynamic` (`ssh -D`): each accepted client says by SOCKS where its channel leads. */
export const dynamicForward: ForwardKind = {
  async serve(socket, client, way, traffic, windows, opened, wrap) {
    await opened();
    const asked = await ask(socket);
    if (asked instanceof SocksRefusal) return { told: asked };
    let channel: Channel;
    try {
      channel = await dial(way, asked.target, client.from ?? { address: '127.0.0.1', port: 0 }, windows);
    } catch (error) {
      const fault = Fault.from(error);
      // By its lane, or it has gone.
      if (socket.destroyed) return { cut: fault, news: false };
      await tell(socket, asked.refused(fault.code));
      return { told: fault };
    }
    const { link } = way;
    socket.write(asked.granted);
    return splice({ socket, channel, link, traffic, wrap, client: 'here' });
  },
};

/**
 * Opens the channel. The client has been answered its greeting only: where the link does not answer, or ends, it goes over the next one. It was read,
 * and cannot go back to be held.
 */
async function dial(way: Way, target: Endpoint, from: Originator, windows: WindowBudget): Promise<Channel> {
  for (;;) {
    if (way.yielded.aborted || way.link.fault !== null) await way.next();
    const { link, yielded } = way;
    try {
      const channel = await link.dial(target, from, yielded, windows);
      if (link.fault !== null) continue;
      way.join();
      return channel;
    } catch (error) {
      if (yielded.aborted || link.fault !== null) continue;
      way.refused();
      throw error;
    }
  }
}

/** What the client wants; a refusal when it is told already. */
async function ask(socket: Socket): Promise<SocksRequest | SocksRefusal> {
  const intake = new Intake(socket);
  const late = new AbortController();
  const timer = setTimeout(() => {
    const text = `a client did not say by SOCKS where it wants to go within ${patience / 1000} s; look at its proxy settings`;
    late.abort(new SocksRefusal(text));
  }, patience);
  try {
    return await readSocks(intake, (bytes) => void socket.write(bytes), late.signal);
  } catch (error) {
    const refusal =
      error instanceof SocksRefusal
        ? error
        : new SocksRefusal(`a client does not speak SOCKS: ${Fault.from(error).message}`);
    await tell(socket, refusal.reply);
    return refusal;
  } finally {
    clearTimeout(timer);
    intake.release();
  }
}

/** Resolves when the answer is with the kernel, or cannot be given. */
function tell(socket: Socket, reply: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    socket.end(reply, () => resolve());
  });
}
