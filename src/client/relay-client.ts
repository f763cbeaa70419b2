import { type Address, parseAddress } from './address.ts';
import { Announcer, call } from './announcer.ts';
import { backoff, settle } from './backoff.ts';
import { Connection, type Refusal } from './connection.ts';
import { askHint } from './hint.ts';
import { tokenRefused } from './judge.ts';
import type { Outgoing, RelayOptions } from './options.ts';
import { Outbox, sizeOf } from './outbox.ts';
import { RelayFault } from './relay-fault.ts';
import type { OpenSocket } from './socket.ts';
import type { Status } from './status.ts';
import { pageAddress, watchReturn } from './surroundings.ts';

/** A connection to a backend through a relay that comes back by itself, for ever. */
export class RelayClient {
  readonly #options: RelayOptions;
  readonly #openSocket: OpenSocket;
  readonly #url: URL;
  readonly #outbox: Outbox;
  readonly #announcer: Announcer;
  readonly #unwatch: () => void;
  #token: RelayOptions['token'];
  /** The last token that the backend refused: it is never sent again. */
  #refusal: Refusal | null = null;
  /** From the first attempt to the loss; null while it waits, or is offline. */
  #connection: Connection | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #hinting: AbortController | null = null;
  #failures = 0;
  #connectedAt: number | null = null;
  #first = true;
  #closed = false;

  constructor(options: RelayOptions, openSocket: OpenSocket) {
    this.#options = options;
    this.#openSocket = openSocket;
    this.#url = parseAddress(options.url, pageAddress());
    this.#token = options.token;
    this.#outbox = new Outbox(options.queue);
    this.#announcer = new Announcer((status) => options.onStatus?.(status));
    this.#unwatch = watchReturn(() => this.#back());
    // Only once the caller has this client: his listeners may use it.
    queueMicrotask(() => {
      if (this.#connection === null && !this.#closed) this.#dial();
    });
  }

  /** How it is now. A new object for each change, never changed itself. */
  get status(): Status {
    return this.#announcer.status;
  }

  /** How many messages wait for a connection. */
  get waiting(): number {
    return this.#outbox.count;
  }

  /** Calls `listener` at each change of the status; returns what ends that. Made for `useSyncExternalStore` and its likes. */
  subscribe(listener: (status: Status) => void): () => void {
    return this.#announcer.subscribe(listener);
  }

  /**
   * Sends now (`sent`), or once there is a connection (`queued`). Throws QUEUE_FULL, MESSAGE_UNUSABLE or CLIENT_CLOSED: then the message
   * was not taken. `sent` means handed to the network: a cut may still swallow it, so give each message an id that `refetch` looks for.
   */
  send(message: Outgoing): 'sent' | 'queued' {
    if (this.#closed) throw closed('send');
    const size = sizeOf(message);
    const admit = (waiting: number): void => this.#outbox.admit(size, waiting);
    if (this.status.word === 'connected' && this.#connection?.send(message, admit) === true) return 'sent';
    this.#outbox.add(message, size);
    return 'queued';
  }

  /** Tries at once, also from `offline`; with another token if one is given. Throws CLIENT_CLOSED after `close()`. */
  retry(token?: string | null): void {
    if (this.#closed) throw closed('retry');
    if (token === undefined && this.status.word === 'connected') return;
    if (token !== undefined) this.#token = token;
    this.#refusal = null;
    this.#failures = 0;
    this.#hinting?.abort();
    this.#connection?.drop();
    this.#dial();
  }

  /** Ends it for good; a second call is harmless. Returns the messages that were never sent. */
  close(): Outgoing[] {
    if (!this.#closed) {
      this.#closed = true;
      this.#unwatch();
      this.#connection?.close();
      this.#stop(null);
    }
    return this.#outbox.take();
  }

  #dial(): void {
    clearTimeout(this.#retry);
    this.#connectedAt = null;
    const connection = new Connection(
      {
        options: this.#options,
        openSocket: this.#openSocket,
        url: this.#url,
        token: this.#token,
        refused: this.#refusal,
        first: this.#first,
      },
      {
        ready: () => this.#ready(),
        message: (message) => call(this.#options.onMessage, message),
        lost: (fault, silently) => {
          this.#wait(fault);
          if (silently !== null) void this.#hint(silently.token, silently.address);
        },
        hopeless: (fault, refusal) => (refusal === null ? this.#stop(fault) : this.#refuse(refusal)),
      },
    );
    this.#connection = connection;
    this.#comeBack(null, this.status.fault);
    // A listener may have closed this client just now.
    if (this.#connection === connection) void connection.open();
  }

  #ready(): void {
    this.#hinting?.abort();
    this.#refusal = null;
    this.#first = false;
    this.#connectedAt = performance.now();
    // What waited goes first: who hears of `connected` may send at once.
    this.#outbox.empty((message) => this.#connection?.send(message) === true);
    this.#announcer.say({ word: 'connected', fault: null });
  }

  #wait(fault: RelayFault): void {
    this.#connection = null;
    const lasted = this.#connectedAt === null ? 0 : performance.now() - this.#connectedAt;
    this.#failures = lasted >= settle ? 1 : this.#failures + 1;
    const wait = backoff(this.#failures, Math.random());
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#dial(), wait);
    this.#comeBack(Date.now() + wait, fault);
  }

  /** Beside the wait for the next attempt: it must not delay the return. */
  async #hint(token: string | null, address: Address): Promise<void> {
    this.#hinting?.abort();
    const hinting = new AbortController();
    this.#hinting = hinting;
    const by = await askHint(this.#options, address, token, hinting.signal);
    if (by === null || hinting.signal.aborted || this.#closed) return;
    this.#connection?.drop();
    this.#refuse({ token, fault: tokenRefused(address.shown, by, token !== null) });
  }

  #refuse(refusal: Refusal): void {
    const again = this.#refusal?.token === refusal.token;
    this.#refusal = refusal;
    // A function may know a newer one: it is asked once more after the usual wait.
    if (typeof this.#token === 'function' && !again) this.#wait(refusal.fault);
    else this.#stop(refusal.fault);
  }

  #stop(fault: RelayFault | null): void {
    clearTimeout(this.#retry);
    this.#hinting?.abort();
    this.#connection = null;
    this.#announcer.say({ word: 'offline', fault });
  }

  /** The network is back, or the page is shown again. */
  #back(): void {
    if (this.#connection !== null) this.#connection.ask();
    else if (this.status.word !== 'offline') this.#dial();
  }

  #comeBack(retryAt: number | null, fault: RelayFault | null): void {
    this.#announcer.say({
      word: this.#first ? 'connecting' : 'reconnecting',
      failures: this.#failures,
      retryAt,
      fault,
    });
  }
}

function closed(what: string): RelayFault {
  return new RelayFault('CLIENT_CLOSED', `${what}() came after close(): connect anew`);
}
