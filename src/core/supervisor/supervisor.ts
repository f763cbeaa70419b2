import type { Config } from '../model/config.ts';
import type { Event } from '../model/event.ts';
import type { DaemonStatus } from '../model/status.ts';

/** What the composition root hands over. */
export interface SupervisorOptions {
  readonly config: Config;
  readonly version: string;
  /** Folder for what must survive a restart (chosen ports); it exists, 0700. */
  readonly stateDir: string;
  /** Built-in plugins: name -> file URL of the module. */
  readonly builtins: Readonly<Record<string, string>>;
}

/** The daemon's own process: owns listeners, workers, events. Never reads a forwarded byte. */
export interface Supervisor {
  /** Binds listeners and starts workers; returns when each relay has been begun, not when it is connected. */
  start(): Promise<void>;
  status(): DaemonStatus;
  /** Calls back for each event after number `after` (from the kept ring of 1,000, then live). Returns the unsubscribe. */
  subscribe(after: number, listener: (event: Event) => void): () => void;
  /** Each throws Fault RELAY_UNKNOWN for a name that no relay has. */
  startRelay(name: string): Promise<void>;
  /** Closes the listeners, drains, ends the worker; resolves when all is closed. */
  stopRelay(name: string): Promise<void>;
  restartRelay(name: string): Promise<void>;
  /** Drains every relay (at most 10 s each, together), then ends. `now()` cuts the drain short. Both are safe to call twice. */
  close(why: string): Promise<void>;
  now(): void;
}

export declare function createSupervisor(options: SupervisorOptions): Supervisor;
