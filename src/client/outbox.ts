import type { Outgoing } from './options.ts';
import { RelayFault } from './relay-fault.ts';

const encoder = new TextEncoder();

/** Messages that wait for a connection, in order and bounded. */
export class Outbox {
  readonly #messages: number;
  readonly #bytes: number;
  #waiting: { readonly message: Outgoing; readonly size: number }[] = [];
  #size = 0;

  constructor({
    messages = 1_000,
    bytes = 16 * 1024 * 1024,
  }: { readonly messages?: number; readonly bytes?: number } = {}) {
    this.#messages = messages;
    this.#bytes = bytes;
  }

  get count(): number {
    return this.#waiting.length;
  }

  /** Takes a message, or throws QUEUE_FULL. */
  add(message: Outgoing, size: number): void {
    if (this.#waiting.length >= this.#messages) {
      throw full(
        `${this.#waiting.length} messages wait already, and no more than ${this.#messages} may (queue.messages)`,
      );
    }
    this.admit(size, this.#size);
    this.#waiting.push({ message: typeof message === 'string' ? message : copy(message), size });
    this.#size += size;
  }

  /** Throws QUEUE_FULL when `size` bytes more than the `waiting` ones are too many. */
  admit(size: number, waiting: number): void {
    if (waiting + size <= this.#bytes) return;
    throw full(`a message of ${size} bytes and the ${waiting} that wait are more than ${this.#bytes} (queue.bytes)`);
  }

  /** Hands out each message in turn; one that `send` does not take stays, and so do those behind it. */
  empty(send: (message: Outgoing) => boolean): void {
    const taken = this.#waiting.findIndex(({ message }) => !send(message));
    const left = taken === -1 ? [] : this.#waiting.slice(taken);
    this.#waiting = left;
    this.#size = left.reduce((sum, { size }) => sum + size, 0);
  }

  /** All that waits; nothing waits afterwards. */
  take(): Outgoing[] {
    const taken = this.#waiting.map(({ message }) => message);
    this.#waiting = [];
    this.#size = 0;
    return taken;
  }
}

/** Bytes on the wire, without the frame. Throws MESSAGE_UNUSABLE for what JavaScript lets through. */
export function sizeOf(message: Outgoing): number {
  if (typeof message === 'string') return encoder.encode(message).length;
  if (message instanceof ArrayBuffer || ArrayBuffer.isView(message)) return message.byteLength;
  const what = Object.prototype.toString.call(message);
  throw new RelayFault(
    'MESSAGE_UNUSABLE',
    `send takes text or bytes, not ${what}: use JSON.stringify or arrayBuffer()`,
  );
}

function copy(message: ArrayBuffer | ArrayBufferView): Outgoing {
  if (message instanceof ArrayBuffer) return message.slice(0);
  return new Uint8Array(message.buffer, message.byteOffset, message.byteLength).slice();
}

function full(what: string): RelayFault {
  return new RelayFault('QUEUE_FULL', `${what}: send it again once the status is connected`);
}
