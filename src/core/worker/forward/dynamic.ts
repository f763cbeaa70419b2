import type { Socket } from 'node:net';
import { Fault } from '../../model/fault.ts';
import type { Channel } from '../../ssh/link/link.ts';
import { splice } from '../splice.ts';
import { spliceWrapped } from '../splice-wrapped.ts';
import { Intake } from './intake.ts';
import type { ForwardKind } from './kind.ts';
import { readSocks, SocksRefusal, type SocksRequest } from './socks.ts';

/** How long a client may take to say where it wants to go, ms. */
const patience = 30_000;

/** `dynamic` (`ssh -D`): each accepted client says by SOCKS where its channel leads. */
export const dynamicForward: ForwardKind = {
  async serve(socket, client, link, traffic, windows, opened, wrap) {
    await opened();
    const asked = await ask(socket);
    if (asked instanceof SocksRefusal) return { told: asked };
    let channel: Channel;
    try {
      channel = await link.dial(asked.target, client.from ?? { address: '127.0.0.1', port: 0 }, undefined, windows);
    } catch (error) {
      const fault = Fault.from(error);
      if (link.fault !== null) throw fault;
      await tell(socket, asked.refused(fault.code));
      return { told: fault };
    }
    socket.write(asked.granted);
    const cut = await (wrap === null
      ? splice(socket, channel, link, traffic)
      : spliceWrapped(socket, wrap, channel, link, traffic));
    return cut === null ? null : { cut };
  },
};

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
