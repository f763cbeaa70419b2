import type { Fault } from '../model/fault.ts';
import type { DoubtListener, Link } from '../ssh/link/link.ts';
import type { Backed } from './backing.ts';

/** What a lane hears of its link. */
export interface LinkNews {
  /** The link is up. */
  linked(link: Link): void;
  /** What the link leads to was brought. */
  backed(link: Link, backed: Backed): void;
  /** What was being tried failed. Nothing is left of an attempt to dial; a link that was up is as it was. */
  failed(error: unknown): void;
  /** It was up, and ended by itself. */
  lost(fault: Fault): void;
  /** The second link is up: `retire` takes it, `back-beside` first brings over it what it is to lead to. */
  besideLinked(link: Link): void;
  /** What the second link leads to was brought. */
  besideBacked(link: Link, backed: Backed): void;
  /** That failed. */
  besideUnready(link: Link, error: unknown): void;
  /** The second link could not be made. Nothing is left of it. */
  besideFailed(error: unknown): void;
  /** Whether the life of the link that is up is in doubt. */
  readonly doubt: DoubtListener;
}
