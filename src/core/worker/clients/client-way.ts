import type { Socket } from 'node:net';
import { Fault } from '../../model/fault.ts';
import type { Link } from '../../ssh/link/link.ts';
import type { Way } from '../forward/kind.ts';
import type { LeadLink } from './lead-link.ts';

/** What is heard of a client's way. */
export interface WayNews {
  /** The link answered what the client wants, with a channel or a refusal. */
  answered(): void;
  /** It does not go over this link any more, before it got an answer. */
  left(link: Link): void;
}

/** The link that one client goes over, and how it comes to another one as long as it has no channel. */
export class ClientWay implements Way {
  readonly #lead: LeadLink;
  readonly #patience: number;
  /** Of the patience, ms. */
  #left: number;
  readonly #socket: Socket;
  readonly #news: WayNews;
  #link: Link;
  #yielded = new AbortController();
  #waits = false;
  #joined = false;

  /** `patience`: so long the client waits for links, all in all, ms. */
  constructor(link: Link, lead: LeadLink, patience: number, socket: Socket, news: WayNews) {
    this.#link = link;
    this.#lead = lead;
    this.#patience = patience;
    this.#left = patience;
    this.#socket = socket;
    this.#news = news;
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

  get joined(): boolean {
    return this.#joined;
  }

  join(): void {
    this.#joined = true;
    this.#news.answered();
  }

  refused(): void {
    this.#news.answered();
  }

  /** The link does not answer, or is gone. */
  leave(): void {
    this.#yielded.abort(new Fault('LINK_SILENT', 'the link does not answer'));
  }

  async next(): Promise<void> {
    const began = performance.now();
    this.#waits = true;
    this.#news.left(this.#link);
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
        const seconds = Math.round(this.#patience / 100) / 10;
        const text = `a client waited ${seconds} s in vain for a link to its target; it may try again, or raise hold.time`;
        settle(() => reject(new Fault('HOLD_EXPIRED', text)));
      };
      const gone = () =>
        settle(() => reject(new Fault('LINK_LOST', 'a client was given up while it waited for a link; nothing to do')));
      const timer = setTimeout(late, Math.max(0, wait));
      const forget = this.#lead.listen((link) => link.fault === null && settle(() => resolve(link)));
      this.#socket.once('close', gone);
      const { link } = this.#lead;
      if (this.#socket.destroyed) gone();
      else if (link !== null && link.fault === null) settle(() => resolve(link));
    });
  }
}
