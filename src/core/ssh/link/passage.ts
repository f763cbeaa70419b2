import { Duplex } from 'node:stream';
import type { Channel } from './channels.ts';
import type { Sender } from './rota.ts';

/**
 * A channel for those who write as they like, such as plugins: a stream like any other, half-open, of which all that is written takes its turn
 * in the outlet. It closes with its channel, once what came has been read; destroyed, it closes the channel without an end.
 */
export class Passage extends Duplex {
  readonly #channel: Channel;
  readonly #sender: Sender;
  #waiting: (() => void) | null = null;
  #over = false;
  /** What was written to it. */
  bytesWritten = 0;

  /** Nobody has read the channel yet. `sender`: the way into it. */
  constructor(channel: Channel, sender: Sender) {
    // What `for await` has read to the end, it would destroy, with the half that is still written to.
    super({ autoDestroy: false });
    this.#channel = channel;
    this.#sender = sender;
    // Who writes to one that is gone, and does not listen, must not end the process.
    this.on('error', () => undefined);
    channel.pause();
    channel.on('data', (chunk: Buffer) => {
      // One that is destroyed takes nothing, and would pause the channel for good: it closes once all that came has been read.
      if (this.destroyed) return;
      // A chunk is a view into a large read: one that has to wait must not keep all of it alive.
      if (!this.push(this.readableFlowing === true ? chunk : Buffer.from(chunk))) channel.pause();
    });
    channel.on('end', () => this.push(null));
    channel.on('finish', () => this.#handedOn());
    channel.on('close', () => {
      this.#over = true;
      // ssh2 never calls back for what it has not sent by now.
      this.#handedOn();
      if (this.readableEnded) this.destroy();
      else this.once('end', () => this.destroy());
    });
  }

  /** Whether its channel is closed: what is written from now on has no reader. */
  get over(): boolean {
    return this.#over;
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#over) return done();
    this.bytesWritten += chunk.length;
    this.#waiting = done;
    this.#sender.send(chunk, () => this.#handedOn());
  }

  override _final(done: () => void): void {
    if (this.#over) return done();
    this.#waiting = done;
    this.#sender.end();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#sender.stop();
    this.#channel.resume();
    this.#channel.close();
    done(error);
  }

  #handedOn(): void {
    const done = this.#waiting;
    this.#waiting = null;
    done?.();
  }
}
