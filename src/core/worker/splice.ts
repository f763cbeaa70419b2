import type { Socket } from 'node:net';
import { Fault } from '../model/fault.ts';
import { gatherWrites } from '../socket/gather.ts';
import type { Channel, Link } from '../ssh/link/link.ts';

/** Bytes that went through, counted from the client's side. */
export interface Traffic {
  sent: number;
  received: number;
}

/** Bytes of one connection that may wait for the SSH window before its client is no longer read. */
const ahead = 256 * 1024;
/** Bytes that may wait for a slow client. The socket's own mark is 16 KiB: less than one SSH packet, so every packet would pause. */
const behind = 128 * 1024;

/**
 * Joins a client's socket and a channel until both directions have ended. Half-close passes through both ways; either side's
 * backpressure pauses the other. When the link is lost the socket is destroyed unfinished: an end of stream would make a cut
 * download look complete; `cut` is how. Resolves with that fault, or with null after an ordinary end.
 */
export function splice(
  socket: Socket,
  channel: Channel,
  link: Link,
  traffic: Traffic,
  cut: (socket: Socket) => void = (one) => void one.destroy(),
): Promise<Fault | null> {
  return new Promise((resolve) => {
    const gather = gatherWrites(socket);
    const sender = link.outlet.sender(channel);
    let waiting = 0;
    let held = false;
    let slow = false;
    let over = false;
    let gone = false;
    let forget: () => void = () => undefined;

    const finish = (fault: Fault | null) => {
      if (over) return;
      over = true;
      forget();
      sender.stop();
      if (fault === null) socket.destroy();
      else cut(socket);
      channel.removeListener('data', down);
      channel.resume();
      channel.close();
      resolve(fault);
    };
    const hold = () => {
      if (held) return;
      held = true;
      socket.pause();
    };
    const release = () => {
      if (over || !held) return;
      if (sender.waiting || waiting > ahead / 2) return;
      held = false;
      socket.resume();
    };
    const flushed = (size: number) => {
      waiting -= size;
      if (held) release();
    };
    const up = (chunk: Buffer) => {
      const size = chunk.length;
      traffic.sent += size;
      waiting += size;
      sender.send(chunk, () => flushed(size));
      if (sender.waiting || waiting > ahead) hold();
    };
    const down = (chunk: Buffer) => {
      traffic.received += chunk.length;
      if (gather()) slow = socket.writableLength > 0;
      // A chunk is a view into a large read: one that has to wait must not keep all of it alive.
      socket.write(slow ? Buffer.from(chunk) : chunk);
      // What this round wrote is still gathered: only what earlier rounds left says that the client is slow.
      if (slow && socket.writableLength > behind) channel.pause();
    };
    /** Closing a channel drops what still waits for its window: the end of an upload must have left first. */
    const closed = () => {
      if (gone || !socket.readableEnded || channel.writableFinished) return finish(null);
      channel.once('finish', () => finish(null));
    };

    sender.onEmpty = release;
    forget = link.onLost((fault) => finish(fault));
    // Given up while its channel was being opened.
    if (socket.destroyed) finish(null);
    if (over) return;

    socket.on('error', () => finish(null));
    socket.on('close', closed);
    socket.on('data', up);
    socket.on('end', () => sender.end());
    socket.on('drain', () => channel.resume());

    channel.on('error', () => finish(null));
    channel.on('data', down);
    channel.on('end', () => {
      const text = 'the server closed a connection before its target had ended; look at ChannelTimeout there';
      if (link.wasCut(channel)) finish(new Fault('CONNECTION_CUT', text));
      else socket.end();
    });
    channel.on('close', () => {
      // The remote end is gone for good: what it sent is flushed, what the client still sends has no reader.
      gone = true;
      if (socket.destroyed) finish(null);
      else socket.destroySoon();
    });
    socket.resume();
  });
}
