import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Fault } from '../model/fault.ts';
import type { Channel, Link } from '../ssh/link/link.ts';
import type { Wrap } from './forward/kind.ts';
import { splice, type Traffic } from './splice.ts';

/** When what a plugin made has ended, it gets so long to write the rest to a client that reads, ms. */
const rest = 10_000;
/** Bytes of one connection that may wait for the SSH window before its client is no longer read. */
const most = 256 * 1024;

/**
 * As `splice`, for a client whose stream plugins wrap. The client's own socket is the first to be destroyed where something breaks, so that
 * no plugin can end it as if all had come. What plugins return as they got it costs nothing.
 */
export async function spliceWrapped(
  socket: Socket,
  wrap: Wrap,
  channel: Channel,
  link: Link,
  traffic: Traffic,
): Promise<Fault | null> {
  let stream: Duplex;
  channel.on('error', () => undefined);
  try {
    stream = await wrap(socket);
  } catch (error) {
    socket.destroy();
    channel.resume();
    channel.close();
    throw error;
  }
  if (stream === socket) return splice(socket, channel, link, traffic);
  return new Promise((resolve) => {
    let over = false;
    let ahead = 0;
    const sender = link.outlet.sender(channel);
    let settling = false;
    let timer: NodeJS.Timeout | undefined;
    let forget: () => void = () => undefined;

    const finish = (fault: Fault | null) => {
      if (over) return;
      over = true;
      forget();
      sender.stop();
      clearTimeout(timer);
      socket.destroy();
      stream.destroy();
      channel.resume();
      channel.close();
      resolve(fault);
    };
    const release = () => {
      if (!over && !sender.waiting && ahead <= most / 2) stream.resume();
    };
    const up = (chunk: Buffer | string) => {
      traffic.sent += chunk.length;
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      ahead += bytes.length;
      sender.send(bytes, () => {
        ahead -= bytes.length;
        release();
      });
      if (sender.waiting || ahead > most) stream.pause();
    };
    const down = (chunk: Buffer) => {
      traffic.received += chunk.length;
      if (!stream.write(chunk)) channel.pause();
    };
    /** All is with the plugins: it must come to the client before anybody may say that this connection has ended well. */
    const settle = () => {
      clearTimeout(timer);
      if (over || socket.writableFinished) return finish(null);
      if (!settling) socket.once('finish', () => finish(null));
      settling = true;
      timer = setTimeout(() => {
        // A slow client is no fault of theirs.
        if (socket.writableLength > 0) return settle();
        const text = `a plugin's wrap did not end a client's stream within ${rest / 1000} s; mend it`;
        finish(new Fault('PLUGIN_FAILED', text));
      }, rest);
    };
    const broken = (error: Error) => {
      const text = `the stream that a plugin's wrap returned broke: ${error.message}; mend it`;
      finish(new Fault('PLUGIN_FAILED', text));
    };

    sender.onEmpty = release;
    forget = link.onLost((fault) => finish(fault));
    if (socket.destroyed) finish(null);
    if (over) return;

    stream.on('error', broken);
    stream.on('close', () => {
      if (socket.writableFinished || socket.destroyed) return finish(null);
      // It may close once it has handed all on.
      if (stream.writableFinished) settle();
      else broken(new Error('it was closed before it had ended'));
    });
    stream.on('data', up);
    stream.on('end', () => sender.end());
    stream.on('drain', () => channel.resume());
    // The client is gone, or all of it has come: then only what is still on the way up is waited for.
    socket.once('close', () => {
      if (!socket.writableFinished || channel.destroyed || !socket.readableEnded) return finish(null);
      if (stream.readableEnded && channel.writableFinished) return finish(null);
      channel.once('finish', () => finish(null));
    });

    channel.on('data', down);
    channel.on('end', () => {
      const text = 'the server closed a connection before its target had ended; look at ChannelTimeout there';
      if (link.wasCut(channel)) finish(new Fault('CONNECTION_CUT', text));
      else stream.end();
    });
    channel.on('close', () => {
      if (over) return;
      stream.end();
      settle();
    });
    channel.resume();
    stream.resume();
  });
}
