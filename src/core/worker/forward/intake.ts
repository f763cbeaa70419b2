import type { Socket } from 'node:net';
import { Fault } from '../../model/fault.ts';

/** Reads exactly as much of a paused socket as is asked for; the rest stays for whoever comes next. */
export class Intake {
  readonly #socket: Socket;
  #got: Buffer = Buffer.alloc(0);
  #wake: (() => void) | null = null;
  #over = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#more);
    socket.on('end', this.#end);
    socket.on('close', this.#end);
    socket.resume();
  }

  /** The next bytes. Rejects with SOCKS_INVALID when the client ends before, and with the signal's reason. */
  async take(count: number, signal: AbortSignal): Promise<Buffer> {
    while (this.#got.length < count) await this.#next(signal);
    const taken = this.#got.subarray(0, count);
    this.#got = this.#got.subarray(count);
    return taken;
  }

  /** The text up to a zero byte, which is taken too. */
  async takeText(most: number, signal: AbortSignal): Promise<string> {
    for (let looked = 0; ; ) {
      const at = this.#got.indexOf(0, looked);
      looked = this.#got.length;
      if (at > most || (at < 0 && looked > most))
        throw new Fault('SOCKS_INVALID', `a name in it is longer than ${most} bytes`);
      if (at >= 0) return (await this.take(at + 1, signal)).subarray(0, at).toString('latin1');
      await this.#next(signal);
    }
  }

  /** Gives the socket back, paused, with what was read beyond. */
  release(): void {
    this.#socket.pause();
    this.#socket.off('data', this.#more);
    this.#socket.off('end', this.#end);
    this.#socket.off('close', this.#end);
    if (this.#got.length > 0 && !this.#socket.destroyed) this.#socket.unshift(this.#got);
  }

  readonly #more = (chunk: Buffer): void => {
    this.#got = Buffer.concat([this.#got, chunk]);
    this.#wake?.();
  };

  readonly #end = (): void => {
    this.#over = true;
    this.#wake?.();
  };

  async #next(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#over) throw new Fault('SOCKS_INVALID', 'it ended before it had said where to');
    try {
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        signal.onabort = () => reject(signal.reason);
      });
    } finally {
      this.#wake = null;
      signal.onabort = null;
    }
  }
}
