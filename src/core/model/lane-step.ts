import type { FaultReport } from './fault.ts';
import type { LaneState } from './state.ts';

/** What can happen to a lane. */
export type LaneInput =
  /** `forced`: the user asked for it, refused credentials may be tried again. */
  | { readonly type: 'start'; readonly forced: boolean }
  /** The link is up. `kept`: the forwards that wait for what is to be brought over it now, all others can be used; null: nothing is. */
  | { readonly type: 'linked'; readonly kept: readonly number[] | null }
  /** A try to bring the backend over the link that is up has failed, and may come again at once; `kept`: who waits for it, as is known by now. */
  | { readonly type: 'stumbled'; readonly kept: readonly number[] }
  /** What was being tried failed: the link, or over a link that is up, the backend. */
  | { readonly type: 'failed'; readonly fault: FaultReport }
  /** The host, or the credentials, are to be left alone until then, because of what somebody else met. */
  | { readonly type: 'withheld'; readonly fault: FaultReport; readonly until: number }
  | { readonly type: 'lost'; readonly fault: FaultReport }
  /** The link is well, but the backend behind it has gone, or is to be proved anew. */
  | { readonly type: 'unbacked' }
  /** Somebody else has the place of the backend, which came a moment ago: nobody is led there, and it is not brought before `until`. */
  | { readonly type: 'usurped'; readonly fault: FaultReport; readonly until: number }
  /** The backend is there again. */
  | { readonly type: 'backed' }
  | BesideInput
  | { readonly type: 'timer' }
  /** Something changed that may cure the fault. */
  | { readonly type: 'nudge'; readonly why: Nudge }
  | { readonly type: 'drain' }
  | { readonly type: 'stop' };

/** What can happen while the life of a link that is up is in doubt, and to the link that is made beside it. */
export type BesideInput =
  /**
   * The link was asked for a sign of life. After `patience` ms without one a second is dialed; at once where the address of this machine is
   * `gone` over which the first one goes.
   */
  | {
      readonly type: 'suspected';
      readonly where: string;
      readonly since: number;
      readonly patience: number;
      readonly gone: string | null;
    }
  /** It gave one. */
  | { readonly type: 'trusted' }
  /** The second one is up; `kept` as with `linked`. */
  | { readonly type: 'beside-linked'; readonly kept: readonly number[] | null }
  /** What the second one leads to is ready. */
  | { readonly type: 'replaced' }
  /** The second one is up, but the backend did not come over it; `kept`: the forwards that would wait for that. */
  | { readonly type: 'beside-unready'; readonly fault: FaultReport; readonly kept: readonly number[] }
  /** It could not be made. */
  | { readonly type: 'beside-failed'; readonly fault: FaultReport }
  | { readonly type: 'beside-withheld'; readonly fault: FaultReport; readonly until: number }
  | { readonly type: 'beside-timer' };

/**
 * Why an attempt might do better now. A waiting client, a wake or another network cures only what leaves no trace at the server; `host`: another
 * lane was let in, which cures a busy host and refused credentials; `answer`: what a person was to answer is known now.
 */
export type Nudge = 'client' | 'wake' | 'network' | 'files' | 'host' | 'answer' | 'user';

/** What the driver must do, in this order. */
export type LaneEffect =
  | { readonly do: 'dial'; readonly forced: boolean }
  /** Bring the backend over the link that is there. */
  | { readonly do: 'back' }
  | { readonly do: 'cancel-back' }
  | { readonly do: 'cancel-dial' }
  | { readonly do: 'close-link' }
  | { readonly do: 'arm'; readonly at: number }
  | { readonly do: 'disarm' }
  | { readonly do: 'watch-files' }
  | { readonly do: 'drain' }
  /** Make a second link beside the first. */
  | { readonly do: 'dial-beside'; readonly forced: boolean }
  /** Bring the backend over the second link, before that takes the place of the first. */
  | { readonly do: 'back-beside' }
  | { readonly do: 'cancel-beside' }
  /** The second link takes the place of the first, which goes on for as long as somebody is joined over it. */
  | { readonly do: 'retire' }
  /** The attempt to make a second link is now the lane's own. */
  | { readonly do: 'promote' }
  /** Clients whose channel is not open yet go back: nobody answers. */
  | { readonly do: 'yield' }
  | { readonly do: 'arm-beside'; readonly at: number }
  | { readonly do: 'disarm-beside' };

/** What `step` may know beyond state and input. */
export interface LanePolicy {
  /** ms a link must live to count as a success. */
  readonly settle: number;
  /** ms that open connections may go on after `drain`. */
  readonly drain: number;
  /** Whether a second link may take the place of the first: not where the backend ends with that. */
  readonly replaceable: boolean;
  /** Whether somebody is joined over a link that was replaced, and goes on over that. */
  readonly retired: boolean;
  /** Whether the last client who came over a link of this lane got his channel, or an answer of his target's; true before the first one. */
  readonly useful: boolean;
  /** A number in [0, 1) for the jitter. */
  readonly random: number;
}

export interface LaneStep {
  readonly state: LaneState;
  readonly effects: readonly LaneEffect[];
}

/** A lane that has its link. */
export type Up = Extract<LaneState, { at: 'up' }>;
