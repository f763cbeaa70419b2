import { Fault } from '../model/fault.ts';
import type { LaneInput } from '../model/lane-step.ts';
import type { LaneState } from '../model/state.ts';
import type { DoubtListener, Link } from '../ssh/link/link.ts';
import type { Backed, Backing } from './backing.ts';
import type { LaneService } from './lane-service.ts';
import type { LaneVoice } from './lane-voice.ts';
import type { LinkNews } from './link-news.ts';
import { besideFailureOf, failureOf } from './withheld.ts';

/** What the course of a lane needs of it. */
export interface CoursePorts {
  readonly backing: Backing;
  readonly service: LaneService;
  readonly voice: LaneVoice;
  readonly input: (input: LaneInput) => void;
  readonly state: () => LaneState;
  /** The lane's link, once `step` has taken it. */
  readonly link: () => Link | null;
  /** A link may have nobody left who uses it. */
  readonly left: () => void;
}

/** What a lane does as its links come up, and what they lead to: `step` is told, and where it takes them all is served over them that can be. */
export class LaneCourse implements LinkNews {
  readonly #ports: CoursePorts;
  /** Whether what was brought last outlives its link. */
  #outlives = true;

  /** Whether the life of the link that is up is in doubt. */
  readonly doubt: DoubtListener = {
    doubted: (where, since, patience) => this.#ports.input({ type: 'suspected', where, since, patience, gone: null }),
    trusted: () => this.#ports.input({ type: 'trusted' }),
  };

  constructor(ports: CoursePorts) {
    this.#ports = ports;
  }

  /** Whether another link may take the place of this one. */
  get replaceable(): boolean {
    return this.#outlives && this.#ports.backing.reached?.withLink !== true;
  }

  linked(link: Link): void {
    const backed = this.#ports.backing.atOnce();
    if (backed !== null) this.#ports.backing.ready(backed);
    this.#ports.voice.link(link);
    const kept = this.#lead(backed);
    this.#ports.input({ type: 'linked', kept });
    if (this.#ports.link() === link) this.#begin(link, backed);
  }

  backed(link: Link, backed: Backed): void {
    this.#outlives = backed.backend?.withLink !== true;
    this.#ports.backing.ready(backed);
    this.#ports.service.resume(link, backed);
    this.#ports.input({ type: 'backed' });
  }

  failed(error: unknown): void {
    this.#ports.input(failureOf(error));
  }

  lost(fault: Fault): void {
    this.#ports.input({ type: 'lost', fault: fault.report() });
  }

  besideLinked(link: Link): void {
    const backed = this.#ports.backing.atOnce();
    this.#ports.input({ type: 'beside-linked', kept: backed === null ? this.#ports.backing.awaited : null });
    if (!this.#moved(link)) return;
    if (backed !== null) this.#ports.backing.ready(backed);
    this.#start(link, backed);
  }

  besideBacked(link: Link, backed: Backed): void {
    this.#ports.backing.ready(backed);
    this.#ports.input({ type: 'replaced' });
    if (this.#moved(link)) this.#start(link, backed);
  }

  besideUnready(link: Link, error: unknown): void {
    const fault = Fault.from(error);
    const { kept } = this.#ports.backing;
    this.#ports.input({ type: 'beside-unready', fault: fault.report(), kept });
    if (!this.#moved(link)) return;
    this.#start(link, null);
    this.#ports.service.stumble(link, kept, fault);
  }

  besideFailed(error: unknown): void {
    this.#ports.input(besideFailureOf(error));
  }

  /** A try to bring the backend has failed. Where it never came over the lane's link, that may say better who waits for it. */
  stumbled(link: Link, fault: Fault): void {
    const { state, backing, input, service } = this.#ports;
    const now = state();
    if (this.#ports.link() !== link || now.at !== 'up' || now.kept === undefined) return;
    const { kept } = backing;
    input({ type: 'stumbled', kept });
    if (this.#ports.link() === link) service.stumble(link, kept, fault);
  }

  /** Whether the second link has taken the place of the first: then that is told. */
  #moved(link: Link): boolean {
    if (this.#ports.link() !== link) return false;
    this.#ports.voice.link(link);
    this.#ports.service.move();
    return true;
  }

  #start(link: Link, backed: Backed | null): void {
    this.#lead(backed);
    this.#begin(link, backed);
    this.#ports.left();
  }

  /** Where a new link leads to; null: that is brought yet. Returns the numbers of the forwards that wait for it; null: none is made to. */
  #lead(backed: Backed | null): readonly number[] | null {
    // Whether it would end with its link shows when it comes.
    this.#outlives = backed?.backend?.withLink !== true;
    if (backed !== null) {
      this.#ports.service.lead(backed);
      return null;
    }
    const { awaited } = this.#ports.backing;
    this.#ports.service.keep(awaited);
    return awaited;
  }

  #begin(link: Link, backed: Backed | null): void {
    if (backed === null) this.#ports.service.beginWithout(link);
    else this.#ports.service.begin(link, backed);
  }
}
