import type { BackendFacts } from './backend.ts';
import type { Endpoint, Ends } from './endpoint.ts';
import type { FaultReport } from './fault.ts';
import type { Question } from './question.ts';
import type { BringingTry, LaneState, Stage } from './state.ts';

/** What the probe, or the last dial of the target, says of one forward. `unverified`: the target answers, nobody asked more. */
export type Judgement = 'pending' | 'unverified' | 'well' | 'unwell';

/** Something that happened, in the past tense. The one vocabulary of log, stream, page, snapshot and `observe`. */
export type Fact =
  | { readonly type: 'daemon.started'; readonly pid: number; readonly version: string; readonly config: string }
  | { readonly type: 'daemon.stopping'; readonly why: string }
  /** The config file was read again, and is what runs now. */
  | ({ readonly type: 'config.reloaded' } & ChangeFact)
  /** What stands in the config file cannot be used; what ran goes on. */
  | { readonly type: 'config.refused'; readonly fault: FaultReport }
  /** The file has changed, and nobody asked for it to be read: `cuts` have open links that would end. What ran goes on. */
  | ({ readonly type: 'config.differs'; readonly cuts: readonly string[] } & ChangeFact)
  /** Something about the daemon itself that its user should know. */
  | { readonly type: 'daemon.warned'; readonly text: string }
  /** Its processes did not run for so long, ms: the machine slept, or they were stopped. */
  | { readonly type: 'machine.woke'; readonly asleep: number }
  /** The addresses of this machine are others now. */
  | { readonly type: 'network.changed'; readonly added: readonly string[]; readonly removed: readonly string[] }
  | {
      /** It stands in the config; it is not started by that. */
      readonly type: 'relay.declared';
      readonly relay: string;
      readonly host: string;
      readonly lanes: number;
      readonly forwards: readonly (Ends & { readonly probed: boolean })[];
    }
  | {
      /** It stands in the config otherwise than before. Where its links must begin anew, `relay.restarting` follows. */
      readonly type: 'relay.changed';
      readonly relay: string;
      readonly host: string;
      readonly lanes: number;
      /** `was`: at which place the forward stood whose listener goes on as this one's; null: it is a new one. */
      readonly forwards: readonly (Ends & { readonly probed: boolean; readonly was: number | null })[];
    }
  /** It is no longer in the config, and has ended. */
  | { readonly type: 'relay.removed'; readonly relay: string }
  | { readonly type: 'relay.started'; readonly relay: string }
  | { readonly type: 'relay.stopping'; readonly relay: string; readonly why: string }
  /** As `relay.stopping`, but the listeners stay bound, and `relay.started` follows. */
  | { readonly type: 'relay.restarting'; readonly relay: string; readonly why: string }
  /** `cut`: so many connections were open still, and were reset; absent: none was. Those of `remote` forwards are not counted. */
  | { readonly type: 'relay.stopped'; readonly relay: string; readonly cut?: number }
  | { readonly type: 'listener.bound'; readonly relay: string; readonly forward: number; readonly listen: Endpoint }
  | { readonly type: 'listener.failed'; readonly relay: string; readonly forward: number; readonly fault: FaultReport }
  /** The remote host listens, over the link of this lane: a `remote` forward. It ends with the link. */
  | {
      readonly type: 'remote.bound';
      readonly relay: string;
      readonly lane: number;
      readonly forward: number;
      readonly listen: Endpoint;
    }
  | {
      readonly type: 'remote.failed';
      readonly relay: string;
      readonly lane: number;
      readonly forward: number;
      readonly fault: FaultReport;
    }
  | { readonly type: 'worker.started'; readonly relay: string; readonly lane: number; readonly pid: number }
  | {
      readonly type: 'worker.ended';
      readonly relay: string;
      readonly lane: number;
      readonly pid: number;
      readonly fault: FaultReport;
      /** When another is started, ms since the epoch; null: within a second. */
      readonly until: number | null;
    }
  | { readonly type: 'lane.changed'; readonly relay: string; readonly lane: number; readonly state: LaneState }
  | {
      readonly type: 'lane.advanced';
      readonly relay: string;
      readonly lane: number;
      readonly stage: Stage;
      readonly note: string | null;
      /** Absent while no backend is brought. */
      readonly bringing?: BringingTry;
    }
  /** What it leads to was launched, or found, and proved to be the right one; null: no plugin has to do with a backend. */
  | {
      readonly type: 'backend.ready';
      readonly relay: string;
      readonly lane: number;
      readonly backend: BackendFacts | null;
    }
  /** What the host calls itself (`uname -n`). */
  | { readonly type: 'host.named'; readonly relay: string; readonly lane: number; readonly machine: string }
  | { readonly type: 'link.opened'; readonly relay: string; readonly lane: number; readonly link: LinkFacts }
  /** It gave no sign of life in time: nobody new is led over it, and another one is made beside it where that may be. */
  | { readonly type: 'link.doubted'; readonly relay: string; readonly lane: number; readonly fault: FaultReport }
  /** It gave one after all, and goes on. */
  | { readonly type: 'link.answered'; readonly relay: string; readonly lane: number }
  /** The one beside it has taken its place; who is joined over the old one stays with that. */
  | { readonly type: 'link.replaced'; readonly relay: string; readonly lane: number }
  | {
      readonly type: 'forward.judged';
      readonly relay: string;
      /** Whose link was asked through. */
      readonly lane: number;
      readonly forward: number;
      readonly judgement: Judgement;
      readonly fault: FaultReport | null;
      /** Round trip of the probe or dial, ms. */
      readonly rtt: number | null;
    }
  /** A client was not served, or was cut off by what no other event tells. */
  | {
      readonly type: 'connection.refused';
      readonly relay: string;
      /** Null: it is not in the config any more. */
      readonly forward: number | null;
      readonly fault: FaultReport;
      /** How many were refused since the last such event of the relay: there is at most one a second. */
      readonly count: number;
    }
  /** What a worker, or a plugin in it or in a process of its own, wrote to stdout or stderr, a line at a time; `count`: lines that were left out before it. */
  | { readonly type: 'worker.said'; readonly relay: string; readonly text: string; readonly count: number }
  | { readonly type: 'plugin.failed'; readonly relay: string; readonly plugin: string; readonly fault: FaultReport }
  /** What a plugin found out about the host, in the place of what it said before; empty: nothing that the user should know. */
  | {
      readonly type: 'host.inspected';
      readonly relay: string;
      readonly plugin: string;
      readonly notes: readonly string[];
    }
  /** `fault`: what it is about, where that has a code; the relay goes on. */
  | { readonly type: 'relay.warned'; readonly relay: string; readonly text: string; readonly fault?: FaultReport }
  /** Worth a line in the log, and no warning: status does not have it. */
  | { readonly type: 'relay.noted'; readonly relay: string; readonly text: string }
  /** A person, or the askpass program, is asked. Answers are in no event. */
  | ({ readonly type: 'question.asked'; readonly of: 'person' | 'askpass' } & QuestionFact)
  /** `memory`: an answer that was given before. */
  | ({ readonly type: 'question.answered'; readonly by: 'person' | 'askpass' | 'memory' } & QuestionFact)
  /** `nobody`: none was there. `late`: none answered in time. `declined`: the person, or askpass, would not. `withdrawn`: it is not asked any more. */
  | ({
      readonly type: 'question.unanswered';
      readonly why: 'nobody' | 'late' | 'declined' | 'withdrawn';
    } & QuestionFact);

/** Names of relays: how one config differs from another. */
export interface ChangeFact {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  /** Those of `changed` whose open links end. */
  readonly ended: readonly string[];
}

/** What an event says of a question. */
export interface QuestionFact {
  readonly relay: string;
  readonly lane: number;
  readonly kind: Question['kind'];
  readonly where: string;
  /** What is wanted, one line, escaped. */
  readonly wish: string;
  /** True when an answer that was given before was wrong. */
  readonly again: boolean;
}

/** What is known of a link once it is up. */
export interface LinkFacts {
  /** `user@address:port`. */
  readonly remote: string;
  /** Hops before it, as the user wrote them. */
  readonly route: readonly string[];
  /** The server's identification string, escaped. */
  readonly server: string;
  /** `SHA256:...` of the host key. */
  readonly hostKey: string;
  /** Strict key exchange was agreed (CVE-2023-48795). */
  readonly strict: boolean;
  /** ms without a byte after which the link counts as dead. */
  readonly detect: number;
  /** ms from the TCP connect to the finished authentication. */
  readonly took: number;
}

/** A fact, numbered from 1 and dated in ms since the epoch. */
export type Event = Fact & { readonly id: number; readonly at: number };
