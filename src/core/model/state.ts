import type { FaultReport } from './fault.ts';

/** The seven words a user sees; everything else is a reason beside the word. */
export type Word = 'offline' | 'connecting' | 'connected' | 'degraded' | 'reconnecting' | 'draining' | 'blocked';

/**
 * Where an attempt to connect is: waiting for a permit, then the stages of RFC 4253 and 4252, and between them for a person; then its
 * backend is launched or found, its token is learned, and both are proved to belong together. `pause`: one of those failed, and comes again.
 */
export type Stage =
  | 'permit'
  | 'tcp'
  | 'greeting'
  | 'key exchange'
  | 'authentication'
  | 'waiting for an answer'
  | 'backend'
  | 'token'
  | 'proof'
  | 'pause';

/** Which of the tries to bring a backend over one link this is, or, in a pause, was. */
export interface BringingTry {
  /** From 1. */
  readonly number: number;
  /** So many are made before a long rest. */
  readonly of: number;
  /** What the last one failed with; null: none has failed since the backend was ready. */
  readonly fault: FaultReport | null;
}

/** A pause after a failure. `tries` counts consecutive failures of one retry class. Times are ms since the epoch. */
export type Rest =
  | {
      /** It is tried again soon. */
      readonly at: 'waiting';
      readonly tries: Tries;
      /** When the wait began, and when it ends. */
      readonly from: number;
      readonly until: number;
      readonly fault: FaultReport;
    }
  | {
      /** Waiting alone may not cure it. */
      readonly at: 'blocked';
      readonly tries: Tries;
      /** When it is tried again unasked; null: only when what it waits for changes. */
      readonly until: number | null;
      readonly fault: FaultReport;
    };

/** How it stands with a backend that is brought over a link that is up; its failures are counted apart from the link's. */
export type BackingState =
  | {
      readonly at: 'trying';
      readonly tries: Tries;
      /** True: it is the first try over a new link; absent: one has failed, or the backend had come over this link before. */
      readonly fresh?: boolean;
    }
  | Rest;

/**
 * A link whose life is in doubt, and the second one that is made beside it meanwhile; the first serves on who is joined over it. `why` says how
 * it stands with the first link. A failure of the second is no fault of the first: it is tried again by its own class.
 */
export type Beside =
  | {
      /** The first one was asked for a sign of life; the second is dialed when `until` passes without one. */
      readonly at: 'doubting';
      readonly where: string;
      /** When it was heard last, or the machine woke. */
      readonly since: number;
      readonly until: number;
    }
  | { readonly at: 'dialing'; readonly why: FaultReport; readonly attempt: number; readonly tries: Tries }
  | (Rest & {
      readonly why: FaultReport;
      readonly attempt: number;
      /** True: the second one was made, and only its backend did not come; absent: it was not made. */
      readonly made?: boolean;
    })
  /** No second one may be made: the backend would end with the first. */
  | { readonly at: 'alone'; readonly why: FaultReport };

/**
 * The life of one lane. Each member carries exactly the facts that are true in it. All times are ms since the epoch. `attempt` is the number
 * of the try, `before` is true when it was up since its start, `since` is when the link came up.
 */
export type LaneState =
  | { readonly at: 'idle' }
  | {
      readonly at: 'dialing';
      readonly attempt: number;
      readonly tries: Tries;
      readonly before: boolean;
      /** What ended the link whose place this one is to take; absent: there was none, or it has been told. */
      readonly lost?: FaultReport;
    }
  | {
      readonly at: 'up';
      readonly since: number;
      readonly attempt: number;
      readonly tries: Tries;
      /** Null: what the link leads to was made ready. Otherwise only that is missing; the link carries all else meanwhile. */
      readonly backing: BackingState | null;
      /**
       * Numbers of the forwards that nobody is led over, where the backend never came over this link; absent: those that lead where it was
       * last brought.
       */
      readonly kept?: readonly number[];
      /** Null: the link lives, as far as anybody knows. */
      readonly beside: Beside | null;
      /** When a second link was begun in vain of late: the next doubt has more patience. */
      readonly vain: readonly number[];
    }
  | (Rest & { readonly attempt: number; readonly before: boolean })
  | { readonly at: 'draining'; readonly until: number }
  | { readonly at: 'ended' };

/** Consecutive failures, counted per retry class: another class starts at one again. */
export interface Tries {
  readonly of: 'none' | 'soon' | 'stage' | 'flap' | 'command' | 'busy' | 'refused' | 'never';
  readonly count: number;
  /** Links that were lost before they settled, since one that had. */
  readonly flaps: number;
}
