import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Fault } from '../../model/fault.ts';
import { gatherWrites } from '../../socket/gather.ts';
import type { Channel, Link } from '../../ssh/link/link.ts';
import type { Passage } from '../../ssh/link/passage.ts';
import type { Sender } from '../../ssh/link/rota.ts';
import type { Cut, Traffic } from './splice.ts';

/** Bytes of one connection that may wait for the SSH window before its socket is no longer read. */
const ahead = 256 * 1024;
/** Bytes that may wait for a slow reader. The socket's own mark is 16 KiB: less than one SSH packet, so every packet would pause. */
const behind = 128 * 1024;
/** When one end is through, plugins get so long without a byte to hand on what they have, ms. */
const rest = 10_000;

/** What is joined. `near` and `far` are the socket and the channel, or what plugins gave in the place of one of them. */
export interface Ends {
  readonly socket: Socket;
  readonly channel: Channel;
  readonly link: Link;
  /** `sent` goes up into the channel. */
  readonly traffic: Traffic;
  readonly near: Duplex;
  readonly far: Duplex;
  /** What plugins write to in the channel's place. */
  readonly passage: Passage | null;
  /** Ends the socket unfinished. */
  readonly end: () => void;
}

/** How to write upwards: a sender of the outlet is one. */
type Feed = Pick<Sender, 'send' | 'end' | 'stop' | 'waiting' | 'onEmpty'>;

/**
 * See `splice`. A lost link is heard before ssh2 ends its channels, because an end of stream would make a cut download look complete; so is a
 * channel that the server closed in the middle. The socket is the first to go then, so that no plugin can end it as if all had come.
 */
export function join({ socket, channel, link, traffic, near, far, passage, end }: Ends): Promise<Cut | null> {
  return new Promise((resolve) => {
    const made = near !== socket ? near : far !== channel ? far : null;
    const slack = near === socket ? behind : 0;
    const gather = gatherWrites(near);
    const feed: Feed = far === channel ? link.outlet.sender(channel) : feedOf(far);
    let waiting = 0;
    let held = false;
    let slow = false;
    let over = false;
    let deaf = false;
    let passed = 0;
    let timer: NodeJS.Timeout | undefined;
    let forget: () => void = () => undefined;

    const finish = (cut: Cut | null) => {
      if (over) return;
      over = true;
      forget();
      feed.stop();
      clearTimeout(timer);
      if (cut === null) socket.destroy();
      else end();
      made?.destroy();
      far.removeListener('data', down);
      channel.resume();
      channel.close();
      resolve(cut);
    };
    const fail = (text: string) => finish({ cut: new Fault('PLUGIN_FAILED', text), news: true });
    const hold = () => {
      if (held) return;
      held = true;
      near.pause();
    };
    const release = () => {
      if (over || !held) return;
      if (feed.waiting || waiting > ahead / 2) return;
      held = false;
      near.resume();
    };
    const flushed = (size: number) => {
      waiting -= size;
      if (held) release();
    };
    const up = (chunk: Buffer | string) => {
      // Nobody reads it: let go, so that a client who says all before it reads comes to read.
      if (deaf) return;
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      const size = bytes.length;
      passed += size;
      traffic.sent += size;
      waiting += size;
      feed.send(bytes, () => flushed(size));
      if (feed.waiting || waiting > ahead) hold();
    };
    const down = (chunk: Buffer) => {
      traffic.received += chunk.length;
      if (gather()) slow = near.writableLength > 0;
      // A chunk is a view into a large read: one that has to wait must not keep all of it alive.
      near.write(slow ? Buffer.from(chunk) : chunk);
      // What this round wrote is still gathered: only what earlier rounds left says that the reader is slow.
      if (slow && near.writableLength > slack && near.writableNeedDrain) far.pause();
    };
    const moved = () => passed + socket.bytesWritten + (passage?.bytesWritten ?? 0);
    /** Who has one end only, and plugins between, waits for what is on its way through them: it must come before this may end well. */
    const watch = () => {
      clearTimeout(timer);
      if (over || made === null) return;
      const before = moved();
      timer = setTimeout(() => {
        // A slow reader is no fault of theirs, nor what waits for its turn in the outlet.
        const queued = passage === null ? feed.waiting : passage.writableLength > 0;
        const slowly = socket.writableLength > 0 || (!deaf && (queued || channel.writableLength > 0));
        if (slowly || moved() !== before) return watch();
        fail(`a plugin's wrap did not end a client's stream within ${rest / 1000} s; mend it`);
      }, rest);
    };
    /** One that plugins read is not destroyed by its ends. */
    const socketDone = () => socket.destroyed || (socket.writableFinished && socket.readableEnded);
    /** Over when all has come to the socket and all that it said has left: closing the channel drops what still waits for its window. */
    const settle = () => {
      if (socket.writableFinished && (deaf || channel.writableFinished)) finish(null);
      else if (deaf || socketDone() || made?.destroyed === true) watch();
    };
    const destroyed = () => fail("a plugin's wrap destroyed a client's stream before its end; mend it");
    const socketClosed = () => {
      // Who is gone was an 'error' before.
      if (!socket.writableFinished) destroyed();
      else if (deaf || !socket.readableEnded) finish(null);
      else settle();
    };
    const channelEnded = () => {
      const text =
        "the server closed a connection before its target had ended; look at the server's log, and at gateways before it";
      if (link.wasCut(channel)) finish({ cut: new Fault('CONNECTION_CUT', text), news: true });
    };
    /** What it sent is on its way to the socket; what that still says has no reader. */
    const channelClosed = () => {
      deaf = true;
      near.resume();
      if (far !== channel) far.end();
      settle();
    };
    const madeClosed = () => {
      if (over) return;
      if (socket.destroyed) return socketClosed();
      // It may close once it has handed all on to who is here; who is there sees no cut, and nobody else would end it.
      const handedOn =
        made === near
          ? near.writableFinished || socket.writableFinished
          : far.readableEnded && (deaf || far.writableFinished);
      if (!handedOn) return broken(new Error('it was closed before it had ended'));
      if (!near.readableEnded) deaf = true;
      settle();
    };
    const broken = (error: Error) => fail(`the stream that a plugin's wrap returned broke: ${error.message}; mend it`);

    feed.onEmpty = release;
    forget = link.onLost((fault) => finish({ cut: fault, news: false }));
    // Given up while its channel was being opened, or by the plugin that was asked for a stream in its place.
    if (socket.destroyed) near !== socket && socket.errored === null ? destroyed() : finish(null);
    if (passage?.destroyed === true && !passage.over) destroyed();
    if (over) return;

    socket.on('error', () => finish(null));
    socket.on('finish', settle);
    if (made !== null) socket.on('end', settle);
    socket.on('close', socketClosed);
    channel.on('error', () => finish(null));
    channel.on('end', channelEnded);
    channel.on('finish', settle);
    channel.on('close', channelClosed);
    passage?.on('close', () => passage.over || destroyed());
    made?.on('error', broken);
    made?.on('close', madeClosed);
    near.on('data', up);
    near.on('end', () => feed.end());
    near.on('drain', () => far.resume());
    far.on('data', down);
    far.on('end', () => over || near.end());
    // While plugins were asked.
    if (channel.readableEnded) channelEnded();
    if (passage?.over === true) channelClosed();
    if (near.readableEnded) feed.end();
    if (far.readableEnded && !over) near.end();
    near.resume();
    far.resume();
  });
}

/** A stream as what is written upwards goes into. */
function feedOf(stream: Duplex): Feed {
  const feed: Feed = {
    onEmpty: () => undefined,
    get waiting() {
      return stream.writableNeedDrain;
    },
    send: (bytes, flushed) => void stream.write(bytes, flushed),
    end: () => void stream.end(),
    stop: () => undefined,
  };
  stream.on('drain', () => feed.onEmpty());
  return feed;
}
