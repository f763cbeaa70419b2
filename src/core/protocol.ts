import type { BackendFacts } from './model/backend.ts';
import type { Builtins } from './model/builtin.ts';
import type { RelayConfig } from './model/config.ts';
import type { Endpoint } from './model/endpoint.ts';
import type { Event, Judgement, LinkFacts } from './model/event.ts';
import type { FaultReport } from './model/fault.ts';
import type { ClientConnection } from './model/plugin.ts';
import type { Question } from './model/question.ts';
import type { BringingTry, LaneState, Stage } from './model/state.ts';

/** Names a lane across the process boundary: `relay#index`. */
export type LaneId = string;

/** The port on which the host last listened for a `remote` forward, by the number of the forward. */
export type RemotePorts = Readonly<Record<number, number>>;

/** All that the supervisor says to a worker. */
export type ToWorker =
  | {
      readonly say: 'open';
      readonly lane: LaneId;
      readonly relay: RelayConfig;
      /** The user asked for it: refused credentials may be tried again. */
      readonly forced: boolean;
      readonly sshConfig: string | null;
      /** What `${NAME}` in ssh_config means: the daemon's environment, which the worker's own is not. */
      readonly env: Readonly<Record<string, string>>;
      /** The token that a person set. */
      readonly token: string | null;
      /** Where each built-in plugin lives, by name. */
      readonly builtins: Builtins;
    }
  /** `spare`: so many wrong answers the host may be given in this handshake. */
  | { readonly say: 'permit'; readonly request: number; readonly spare: number }
  /** No permit: nobody may shake hands there for `wait` ms, because of what somebody met. */
  | { readonly say: 'withheld'; readonly request: number; readonly fault: FaultReport; readonly wait: number }
  /** What a person answered to a question, one answer each; null: nobody did. */
  | { readonly say: 'answer'; readonly request: number; readonly answers: readonly string[] | null }
  /** The accepted socket's handle travels beside this message. */
  | {
      readonly say: 'connection';
      readonly lane: LaneId;
      readonly id: number;
      readonly client: ClientConnection;
      /** So long it may still wait for a link where it has to be read before it has its channel, ms. */
      readonly patience: number;
    }
  /** That client is given up: whatever became of it in the worker meanwhile, its socket is reset there too. Nobody listens to what is still said of it. */
  | { readonly say: 'cut'; readonly lane: LaneId; readonly id: number }
  /** What a person set as the token of the backend; null: nothing any more. */
  | { readonly say: 'token'; readonly lane: LaneId; readonly token: string | null }
  /** The relay's mutex is this lane's, until it says `release`. */
  | { readonly say: 'acquired'; readonly lane: LaneId; readonly request: number }
  | { readonly say: 'nudge'; readonly lane: LaneId; readonly why: 'client' | 'network' | 'host' | 'answer' | 'user' }
  /** Whether the `remote` forwards of the relay are this lane's: one lane at a time can have them. `ports`: where the host listened for them before. */
  | { readonly say: 'appoint'; readonly lane: LaneId; readonly on: boolean; readonly ports: RemotePorts }
  /** From now on so many clients of `remote` forwards may be open at once. */
  | { readonly say: 'limit'; readonly lane: LaneId; readonly connections: number }
  /** Another lane answers, and this one does not for now: clients without a channel go back. */
  | { readonly say: 'yield'; readonly lane: LaneId }
  | { readonly say: 'drain'; readonly lane: LaneId }
  | { readonly say: 'stop'; readonly lane: LaneId }
  | { readonly say: 'event'; readonly event: Event }
  /** No lane is left. */
  | { readonly say: 'leave' }
  | { readonly say: 'ping'; readonly n: number };

/** All that a worker says to the supervisor. */
export type ToSupervisor =
  | { readonly say: 'ready' }
  /** May I shake hands with this host now? `account` names who would log in with what, `by` the lane that asks. */
  | {
      readonly say: 'permit';
      readonly request: number;
      readonly by: LaneId;
      readonly host: string;
      readonly account: string;
      /** The user or a changed file asked for it: it need not wait, but counts as any other. */
      readonly forced: boolean;
    }
  /** The connection to that host is open: from now on its log may tell of the handshake. */
  | { readonly say: 'reached'; readonly request: number }
  /** The handshake is over (null: well), or was given up (`cancelled`). */
  | { readonly say: 'shaken'; readonly request: number; readonly fault: FaultReport | 'cancelled' | null }
  /** A login of this lane cannot go on before a person has answered. */
  | { readonly say: 'ask'; readonly request: number; readonly by: LaneId; readonly question: Question }
  /** It is not wanted any more. */
  | { readonly say: 'withdraw'; readonly request: number }
  | { readonly say: 'state'; readonly lane: LaneId; readonly state: LaneState }
  /** `note`: how far it is, in a few words, such as the last line that a backend printed. */
  | {
      readonly say: 'stage';
      readonly lane: LaneId;
      readonly stage: Stage;
      readonly note: string | null;
      readonly bringing?: BringingTry;
    }
  /** What became of the life of its link; `fault` is why that is in doubt. */
  | { readonly say: 'doubt'; readonly lane: LaneId; readonly news: 'answered' | 'replaced'; readonly fault: null }
  | { readonly say: 'doubt'; readonly lane: LaneId; readonly news: 'doubted'; readonly fault: FaultReport }
  /** The backend is ready. Its token is for the supervisor alone. */
  | {
      readonly say: 'backed';
      readonly lane: LaneId;
      readonly backend: BackendFacts | null;
      readonly token: string | null;
    }
  /** What the host calls itself. */
  | { readonly say: 'machine'; readonly lane: LaneId; readonly machine: string }
  | { readonly say: 'link'; readonly lane: LaneId; readonly link: LinkFacts }
  | {
      readonly say: 'judged';
      readonly lane: LaneId;
      readonly forward: number;
      readonly judgement: Judgement;
      readonly fault: FaultReport | null;
      readonly rtt: number | null;
    }
  /** The remote host listens. */
  | { readonly say: 'bound'; readonly lane: LaneId; readonly forward: number; readonly listen: Endpoint }
  | { readonly say: 'unbound'; readonly lane: LaneId; readonly forward: number; readonly fault: FaultReport }
  /** A client of the other side was not served. */
  | { readonly say: 'refused'; readonly lane: LaneId; readonly forward: number; readonly fault: FaultReport }
  /** These plugins, by their place in the relay's list, loaded well here and have a `daemon` half. */
  | { readonly say: 'seated'; readonly lane: LaneId; readonly plugins: readonly number[] }
  /** The relay's mutex is wanted, for a hook that runs one at a time per relay. */
  | { readonly say: 'acquire'; readonly lane: LaneId; readonly request: number }
  /** That hook has answered, or is not to be called any more. */
  | { readonly say: 'release'; readonly lane: LaneId; readonly request: number }
  /** What a plugin has to say of the host, in the place of what it said before. */
  | { readonly say: 'inspected'; readonly lane: LaneId; readonly plugin: string; readonly notes: readonly string[] }
  | { readonly say: 'warned'; readonly lane: LaneId; readonly text: string }
  /** For the log only: all is well. */
  | { readonly say: 'noted'; readonly lane: LaneId; readonly text: string }
  | { readonly say: 'plugin-failed'; readonly lane: LaneId; readonly plugin: string; readonly fault: FaultReport }
  /** The channel is open: from now on the worker reads the client's bytes. */
  | { readonly say: 'opened'; readonly id: number }
  /** Never opened and not to blame: hand it to another lane, or hold it again. No byte of it was read. */
  | { readonly say: 'returned'; readonly id: number }
  /** It ended in the ordinary way; `told`: it was refused, and its client was told why in its own protocol. */
  | { readonly say: 'closed'; readonly id: number; readonly told: FaultReport | null }
  /** It ended abnormally, or was never served: the client must see a reset. `news`: nobody else tells of the fault, such as the lane that lost its link. */
  | { readonly say: 'reset'; readonly id: number; readonly fault: FaultReport; readonly news: boolean }
  /** This process did not run for so long, ms: the machine slept, or it was stopped. */
  | { readonly say: 'woke'; readonly asleep: number }
  /** `rss`: resident bytes of the worker. */
  | {
      readonly say: 'pong';
      readonly n: number;
      readonly rss: number;
      readonly vitals: Readonly<Record<LaneId, LaneVitals>>;
    };

/** What changes too often to be an event: bytes since the lane began, and each forward's last round trip, ms. */
export interface LaneVitals {
  readonly sent: number;
  readonly received: number;
  readonly rtt: readonly (number | null)[];
  /** Clients that came to listeners of the remote host. */
  readonly arrived: ArrivedCounts;
}

/** Connections that the supervisor never sees: those of `remote` forwards. */
export interface ArrivedCounts {
  readonly open: number;
  readonly accepted: number;
}
