import type { Socket } from 'node:net';
import { Fault } from '../../model/fault.ts';
import type { Link } from '../../ssh/link/link.ts';
import type { Way } from '../forward/kind.ts';
import type { LeadLink } from './lead-link.ts';

/** The link that one client goes over, and how it comes to another one as long as it has no channel. */
export class ClientWay implements Way {
  readonly #lead: LeadLink;
  readonly #patience: number;
  /** Of the patience, ms. */
  #left: number;
  readonly #socket: Socket;
  readonly #onLeft: (link: Link) => void;
  #link: Link;
  #yielded = new AbortController();
  #waits = false;

  /** `patience`: so long the client waits, all in all, ms. `left` hears of a link that it does not go over any more. */
  constructor(link: Link, lead: LeadLink, patience: number, socket: Socket, left: (link: Link) => void) {
    this.#link = link;
    this.#lead = lead;
    this.#patience = patience;
    this.#left = patience;
    this.#socket = socket;
    this.#onLeft = left;
  }

  /** The last one, while it waits for another. */
  get link(): Link {
    return this.#link;
  }

  /** The link that it has a part in; null while it waits for one. */
  get over(): Link | null {
    return this.#waits ? null : this.#link;
  }

  get yielded(): AbortSignal {
    return this.#yielded.signal;
  }

  /** The link does not answer. */
  leave(): void {
    this.#yielded.abort(new Fault('LINK_SILENT', 'the link does not answer'));
  }

  async next(): Promise<void> {
    const began = performance.now();
    this.#waits = true;
    this.#onLeft(this.#link);
    this.#link = await this.#answering(this.#left);
    this.#left -= performance.now() - began;
    this.#waits = false;
    this.#yielded = new AbortController();
  }

  #answering(wait: number): Promise<Link> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer);
        forget();
        this.#socket.off('close', gone);
        end();
      };
      const late = () => {
        const text = `no link answered within ${this.#patience / 1000} s while a client waited for its target; try it again`;
        settle(() => reject(new Fault('LINK_SILENT', text)));
      };
      const gone = () =>
        settle(() => reject(new Fault('LINK_LOST', 'a client was given up while it waited for a link; nothing to do')));
      const timer = setTimeout(late, Math.max(0, wait));
      const forget = this.#lead.listen((link) => settle(() => resolve(link)));
      this.#socket.once('close', gone);
      const { link } = this.#lead;
      if (this.#socket.destroyed) gone();
      else if (link !== null && wait > 0) settle(() => resolve(link));
    });
  }
}
