import { printable } from '../core/model/printable.ts';
import type { Event } from '../core/model/event.ts';
import type { DaemonStatus } from '../core/model/status.ts';
import { NotifySocket, type Notice } from './notify-socket.ts';

/** Changes of the status line are told at most so often, ms. */
const pace = 1_000;

/** While somebody does not answer, it is looked again so soon, ms: a worker that hangs is replaced in between. */
const again = 500;

/** What a service manager wants to know of a daemon. */
export interface Served {
  status(): DaemonStatus;
  answering(): boolean;
  subscribe(after: number, listener: (event: Event) => void): () => void;
}

/** How this process is watched over, read from its environment. */
export interface Watch {
  readonly address: string;
  /** How often a sign of life is sent, ms; null: nobody waits for one. */
  readonly every: number | null;
}

/**
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment: they are for nobody whom we start. Null
 * where no service manager listens.
 */
export function takeWatch(env: NodeJS.ProcessEnv, pid: number): Watch | null {
  const { NOTIFY_SOCKET: address = '', WATCHDOG_USEC: usec = '', WATCHDOG_PID: whose = '' } = env;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
  if (address === '') return null;
  // By sd_watchdog_enabled(3): another process may be meant.
  const ours = /^[1-9]\d*$/.test(usec) && (whose === '' || whose === String(pid));
  return { address, every: ours ? Number(usec) / 1_000 / 2 : null };
}

/** Tells a service manager (systemd) of the daemon: that it is ready, how it stands, and that it is alive. */
export class ServiceManager {
  readonly #send: (notice: Notice) => void;
  readonly #every: number | null;
  #unsubscribe: () => void = () => undefined;
  #told = '';
  #pace: NodeJS.Timeout | undefined;
  #alive: NodeJS.Timeout | undefined;

  /** `warn` is told once when nobody can be told. */
  constructor({ address, every }: Watch, path: string, warn: (text: string) => void) {
    const socket = new NotifySocket(address, path, warn);
    this.#send = (notice) => socket.send(notice);
    this.#every = every;
  }

  /** Every listener of the daemon has been tried. From now on it is followed until `close`. */
  ready(daemon: Served): void {
    this.#told = statusLine(daemon.status());
    this.#send({ READY: '1', STATUS: this.#told });
    this.#unsubscribe = daemon.subscribe(daemon.status().id, (event) => {
      if (event.type === 'daemon.stopping') this.#send({ STOPPING: '1', STATUS: `ending: ${printable(event.why)}` });
      else this.#pace ??= setTimeout(() => this.#tellStatus(daemon), pace).unref();
    });
    if (this.#every !== null) this.#keepAlive(daemon, this.#every);
  }

  /** Says that the config is read again as long as that lasts. */
  async during<T>(reload: () => Promise<T>): Promise<T> {
    // Node's clock is CLOCK_MONOTONIC.
    this.#send({ RELOADING: '1', MONOTONIC_USEC: String(process.hrtime.bigint() / 1_000n) });
    try {
      return await reload();
    } finally {
      this.#send({ READY: '1' });
    }
  }

  /** Nothing more is told. */
  close(): void {
    this.#unsubscribe();
    clearTimeout(this.#pace);
    clearTimeout(this.#alive);
  }

  #tellStatus(daemon: Served): void {
    this.#pace = undefined;
    const status = daemon.status();
    const line = statusLine(status);
    if (status.stopping || line === this.#told) return;
    this.#told = line;
    this.#send({ STATUS: line });
  }

  /** That this runs says that the event loop does. */
  #keepAlive(daemon: Served, every: number): void {
    const well = daemon.answering();
    if (well) this.#send({ WATCHDOG: '1' });
    this.#alive = setTimeout(() => this.#keepAlive(daemon, every), well ? every : Math.min(again, every)).unref();
  }
}

/** `3 relays: 2 connected, 1 blocked`. */
export function statusLine({ relays }: Pick<DaemonStatus, 'relays'>): string {
  const counts = new Map<string, number>();
  for (const { standing } of relays) counts.set(standing.word, (counts.get(standing.word) ?? 0) + 1);
  const words = [...counts].map(([word, count]) => `${count} ${word}`).join(', ');
  const many = `${relays.length} ${relays.length === 1 ? 'relay' : 'relays'}`;
  return words === '' ? many : `${many}: ${words}`;
}
