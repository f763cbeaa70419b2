import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { abort } from '../../socket/raw-handle.ts';
import type { Channel, Link } from '../../ssh/link/link.ts';
import { splice, type Traffic } from '../splice.ts';

/** Bytes are counted from the client's side, which is the other one for `remote`: the same counts, seen from there. */
export function turned(traffic: Traffic): Traffic {
  return {
    get sent() {
      return traffic.received;
    },
    set sent(bytes) {
      traffic.received = bytes;
    },
    get received() {
      return traffic.sent;
    },
    set received(bytes) {
      traffic.sent = bytes;
    },
  };
}

/**
 * `remote` (`ssh -R`): joins a client of the other side with its target on this one, over what plugins made of the client's stream. Resolves
 * when both directions have ended; the target sees a reset where the link is lost.
 */
export async function serveRemote(
  socket: Socket,
  channel: Channel,
  link: Link,
  traffic: Traffic,
  wrap: ((stream: Duplex) => Promise<Duplex>) | null,
): Promise<void> {
  if (wrap === null) return void (await splice(socket, channel, link, turned(traffic), abort));
  const stream = await wrap(channel).catch((error: unknown) => {
    abort(socket);
    channel.close();
    throw error;
  });
  if (stream === channel) return void (await splice(socket, channel, link, turned(traffic), abort));
  await joined(socket, stream, channel, link, traffic);
}

/** When the client has gone, plugins get so long to hand the rest of what it sent to a target that reads, ms. */
const rest = 10_000;

/** Joins by plain pipes: what a plugin returns is any stream, and pays for it. */
function joined(socket: Socket, stream: Duplex, channel: Channel, link: Link, traffic: Traffic): Promise<void> {
  return new Promise((resolve) => {
    let forget: () => void = () => undefined;
    let over = false;
    let timer: NodeJS.Timeout | undefined;
    const finish = (end: (socket: Socket) => void) => {
      if (over) return;
      over = true;
      forget();
      clearTimeout(timer);
      end(socket);
      stream.destroy();
      channel.close();
      resolve();
    };
    forget = link.onLost(() => finish(abort));
    if (over) return;
    stream.on('data', (chunk: Buffer) => {
      traffic.sent += chunk.length;
    });
    socket.on('data', (chunk: Buffer) => {
      traffic.received += chunk.length;
    });
    stream.pipe(socket);
    socket.pipe(stream);
    stream.on('error', () => finish(abort));
    // One that a plugin gives up, without a word.
    stream.on('close', () => {
      if (!stream.readableEnded || !stream.writableFinished) finish(abort);
    });
    socket.on('close', () => finish((one) => void one.destroy()));
    channel.on('end', () => {
      // What came is not the whole: the target must not take it for that.
      if (link.wasCut(channel)) finish(abort);
    });
    const settle = () => {
      timer = setTimeout(() => (socket.writableLength > 0 ? settle() : finish(abort)), rest);
    };
    channel.on('close', () => {
      if (over) return;
      // What the target still says has no reader; what the client said is on its way through the plugins.
      socket.unpipe(stream);
      socket.resume();
      stream.end();
      if (socket.writableEnded) return socket.destroySoon();
      socket.once('finish', () => socket.destroySoon());
      settle();
    });
  });
}
