import { execFile } from 'node:child_process';
import { printable } from '../core/model/printable.ts';

/** Part of systemd; it knows every form of address: paths, abstract sockets (`@name`), vsock. */
const program = 'systemd-notify';

/** A message may take so long to be taken in, ms. */
const patience = 10_000;

/** One message: assignments such as `READY: '1'`. */
export type Notice = Readonly<Record<string, string>>;

/**
 * The socket of a service manager (sd_notify(3)), which takes one message after the other. Node has no Unix datagrams: a short-lived
 * program says each of them (8 ms of CPU and no memory that stays, where an addon would be a binary for each Node). It speaks for its parent
 * where it may, as root; else the unit needs NotifyAccess=all.
 */
export class NotifySocket {
  readonly #env: NodeJS.ProcessEnv;
  readonly #warn: (text: string) => void;
  readonly #queue: Notice[] = [];
  #busy = false;
  #warned = false;

  /** `address`: what NOTIFY_SOCKET says; `path`: where the program is looked for; `warn` is told once when nobody can be told. */
  constructor(address: string, path: string, warn: (text: string) => void) {
    this.#env = { NOTIFY_SOCKET: address, PATH: path };
    this.#warn = warn;
  }

  /** Sends it after those that wait. A status, or a sign of life, that nobody has heard of yet gives way to a newer one. */
  send(notice: Notice): void {
    const last = this.#queue.at(-1);
    if (last !== undefined && isStale(last, notice)) this.#queue.pop();
    this.#queue.push(notice);
    if (!this.#busy) this.#next();
  }

  #next(): void {
    const notice = this.#queue.shift();
    this.#busy = notice !== undefined;
    if (notice === undefined) return;
    const words = Object.entries(notice).map(([name, value]) => `${name}=${value}`);
    execFile(program, words, { env: this.#env, timeout: patience, killSignal: 'SIGKILL' }, (error, _out, said) => {
      if (error !== null && !this.#warned) {
        this.#warned = true;
        this.#warn(whyUnheard(error, said));
      }
      this.#next();
    });
  }
}

function isStale(old: Notice, young: Notice): boolean {
  const [one, other] = [old, young].map((notice) => Object.keys(notice).join());
  return one === other && (one === 'STATUS' || one === 'WATCHDOG');
}

function whyUnheard(error: Error, said: string): string {
  const todo = `install it (Debian: systemd), or say Type=exec in the unit, without WatchdogSec`;
  if ('code' in error && error.code === 'ENOENT') {
    return `NOTIFY_SOCKET is set, and the program ${program} is not in PATH, so that the service manager hears nothing; ${todo}`;
  }
  const why = printable(said.trim().split('\n', 1)[0] || error.message);
  return `${program} could not tell the service manager (${why}); look at NotifyAccess in the unit, or say Type=exec there, without WatchdogSec`;
}
