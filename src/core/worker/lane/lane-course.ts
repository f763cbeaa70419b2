import { Fault, type FaultReport } from '../../model/fault.ts';
import type { LaneInput } from '../../model/lane-step.ts';
import type { LaneState } from '../../model/state.ts';
import type { DoubtListener, Link } from '../../ssh/link/link.ts';
import type { Backed, Backing } from '../backing/backing.ts';
import type { LinkNews } from './lane-link.ts';
import type { LaneVoice } from './lane-voice.ts';
import { besideFailureOf, failureOf } from './withheld.ts';

/** What the course of a lane needs of it. */
export interface CoursePorts {
  readonly backing: Backing;
  readonly voice: LaneVoice;
  /** Has `step` decide, and done what it decides. */
  readonly input: (input: LaneInput) => void;
  readonly state: () => LaneState;
  /** The lane's link, once `step` has taken it. */
  readonly link: () => Link | null;
  /** How many are joined over the lane's link. */
  readonly joined: () => number;
  /** A first try to bring over the lane's link what it is to lead to has failed. */
  readonly stumbled: (link: Link, fault: Fault) => void;
  /** A link may have nobody left who uses it. */
  readonly left: () => void;
}

/** What `step` and the supervisor are told as the links of a lane come up, and what they lead to. */
export class LaneCourse implements LinkNews {
  readonly #ports: CoursePorts;

  /** Whether the life of the link that is up is in doubt. */
  readonly doubt: DoubtListener = {
    doubted: (where, since, patience) => this.#ports.input({ type: 'suspected', where, since, patience, gone: null }),
    trusted: () => this.#ports.input({ type: 'trusted' }),
  };

  constructor(ports: CoursePorts) {
    this.#ports = ports;
  }

  linked(link: Link, backed: Backed | null): void {
    const { backing, voice, input } = this.#ports;
    if (backed !== null) backing.ready(backed);
    voice.link(link);
    input({ type: 'linked', kept: backed === null ? backing.awaited : null });
  }

  backed(backed: Backed): void {
    this.#ports.backing.ready(backed);
    this.#ports.input({ type: 'backed' });
  }

  failed(error: unknown): void {
    this.#ports.input(failureOf(error));
  }

  lost(fault: Fault): void {
    this.#ports.input({ type: 'lost', fault: tellReset(fault.report(), this.#ports.joined()) });
  }

  besideLinked(link: Link, backed: Backed | null): void {
    const { backing, input } = this.#ports;
    input({ type: 'beside-linked', kept: backed === null ? backing.awaited : null });
    if (this.#moved(link) && backed !== null) backing.ready(backed);
  }

  besideBacked(link: Link, backed: Backed): void {
    this.#ports.backing.ready(backed);
    this.#ports.input({ type: 'replaced' });
    this.#moved(link);
  }

  besideUnready(link: Link, error: unknown): void {
    const fault = Fault.from(error);
    this.#ports.input({ type: 'beside-unready', fault: fault.report(), kept: this.#ports.backing.kept });
    if (this.#moved(link)) this.#ports.stumbled(link, fault);
  }

  besideFailed(error: unknown): void {
    this.#ports.input(besideFailureOf(error));
  }

  /** A try to bring the backend has failed. Where it never came over the lane's link, that may say better who waits for it. */
  stumbled(link: Link, fault: Fault): void {
    const { state, backing, input, stumbled } = this.#ports;
    const now = state();
    if (this.#ports.link() !== link || now.at !== 'up' || now.kept === undefined) return;
    input({ type: 'stumbled', kept: backing.kept });
    if (this.#ports.link() === link) stumbled(link, fault);
  }

  /** Whether the second link has taken the place of the first: then that is told. */
  #moved(link: Link): boolean {
    if (this.#ports.link() !== link) return false;
    this.#ports.voice.link(link);
    this.#ports.left();
    return true;
  }
}

/** Says between what happened and what to do how many it cut. */
function tellReset(fault: FaultReport, joined: number): FaultReport {
  if (joined === 0) return fault;
  const cut = `; ${joined === 1 ? 'one open connection' : `${joined} open connections`} reset`;
  const end = fault.message.lastIndexOf('; ');
  const [what, todo] = end < 0 ? [fault.message, ''] : [fault.message.slice(0, end), fault.message.slice(end)];
  return { ...fault, message: `${what}${cut}${todo}` };
}
