import type { Builtins } from '../model/builtin.ts';
import type { Config } from '../model/config.ts';
import type { Event } from '../model/event.ts';
import type { Secret } from '../model/secret.ts';
import type { DaemonStatus } from '../model/status.ts';
import type { Attendant } from './logins/attendant.ts';
import type { Questions } from './logins/questions.ts';
import type { Reloaded, Touch } from './reloads.ts';
import type { TokenAnswer } from './relay/relay-token.ts';
import { Supervision } from './supervision.ts';

/** What the composition root hands over. */
export interface SupervisorOptions {
  readonly config: Config;
  readonly version: string;
  /** Folder for what must survive a restart (chosen ports); it exists, 0700. */
  readonly stateDir: string;
  /** Built-in plugins by name. */
  readonly builtins: Builtins;
  /** The token that a person set for the backend of a relay; null: none. */
  readonly givenToken: (relay: string) => Promise<Secret | null>;
  /** Answers the questions of all relays from the start on; null: nobody is there. */
  readonly attendant?: Attendant | null;
}

/** The daemon's own process: owns listeners, workers, events. Never reads a forwarded byte. */
export interface Supervisor {
  /**
   * Binds listeners and starts workers; returns when each relay has been begun, not when it is connected. Rejects with CONFIG_INVALID where
   * a plugin refuses the config.
   */
  start(): Promise<void>;
  /** What runs by now. */
  readonly config: Config;
  /**
   * Reads the config again and takes it over: relays that are unchanged do not notice, removed ones drain and end, added ones begin, changed
   * ones begin anew where they must, with each listener whose address stays. Resolves when all listeners have been tried; drains go on.
   * `touch`: whose open links may end; where others' would, nothing is changed. Rejects, and changes nothing, where the config is refused.
   */
  reload(read: () => Promise<Config>, touch: Touch): Promise<Reloaded>;
  /** What all events so far amount to, with the live counts. */
  status(): DaemonStatus;
  /** Whether every worker has given a sign of life lately; one that has not is about to be replaced. */
  answering(): boolean;
  /** Calls back for each event after number `after` (from the kept ring of 1,000, then live). Returns the unsubscribe. */
  subscribe(after: number, listener: (event: Event) => void): () => void;
  /** Starts a stopped relay; one that waits or is blocked tries again at once. Throws RELAY_UNKNOWN; NOT_RUNNING while it ends. */
  startRelay(name: string): Promise<void>;
  /** Closes the listeners, drains, ends the worker; resolves when all is closed. Throws RELAY_UNKNOWN. */
  stopRelay(name: string): Promise<void>;
  /** Drains a relay and begins anew; its listeners stay bound, and who comes meanwhile is held. Throws RELAY_UNKNOWN; NOT_RUNNING while the daemon ends. */
  restartRelay(name: string): Promise<void>;
  /** Has a sentence about the daemon itself told in log and events. */
  warn(text: string): void;
  /** The token of a relay's backend. Throws RELAY_UNKNOWN. */
  token(name: string): TokenAnswer;
  /** A person set another one, or took it away. Throws RELAY_UNKNOWN. */
  retoken(name: string): Promise<void>;
  /** The questions of relays that wait for a person. */
  readonly questions: Pick<Questions, 'attend' | 'answer' | 'decline'>;
  /** Drains every relay (together), then ends. `now()` cuts the drain short. Both are safe to call twice. */
  close(why: string): Promise<void>;
  now(): void;
}

/** Makes a supervisor that has opened nothing yet. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  return new Supervision(options);
}
