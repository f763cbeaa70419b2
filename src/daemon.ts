import { homedir } from 'node:os';
import { builtins } from './builtins.ts';
import { findConfig, type LoadOptions, loadConfig } from './core/config/load.ts';
import { loadSettled, watchConfig } from './core/config/settled.ts';
import { callOutside } from './core/model/call-outside.ts';
import type { Config } from './core/model/config.ts';
import type { Event } from './core/model/event.ts';
import { Fault } from './core/model/fault.ts';
import { printable } from './core/model/printable.ts';
import type { DaemonStatus } from './core/model/status.ts';
import type { Attendant } from './core/supervisor/logins/attendant.ts';
import { handSetToken } from './core/secrets/token-store.ts';
import type { Reloaded, Touch } from './core/supervisor/reloads.ts';
import { createSupervisor, type Supervisor } from './core/supervisor/supervisor.ts';
import { type Folders, locateFolders, openFolders } from './control/folders.ts';
import { type Log, openLog } from './control/log.ts';
import { type Control, startControl } from './control/server.ts';
import { readVersion } from './control/version.ts';

/** What a daemon is started with. */
export interface DaemonOptions {
  /** The config file; null or absent: it is searched for, as `towline up` does. */
  readonly config?: string | null;
  /** Another ssh_config than the user's own, as `ssh -F` takes it. */
  readonly sshConfig?: string | null;
  /** Where it keeps socket, log and memory; computed from environment and uid unless given. */
  readonly folders?: Folders;
  /** Told once when the log begins to lose lines; forwarding goes on. */
  readonly trouble?: (error: unknown) => void;
  /** Somebody who answers what hosts ask for, such as passwords; without one, who else comes (`towline unlock`) does. */
  readonly attendant?: Attendant;
}

/** A running daemon. */
export interface Daemon {
  /** What runs by now. */
  readonly config: Config;
  readonly folders: Folders;
  /**
   * Reads the config file again and takes it over; relays that are unchanged do not notice. Rejects, and changes nothing, where it cannot be
   * used. A change that ends no open link needs no call: it is taken over a few seconds after it was written.
   */
  reload(): Promise<Reloaded>;
  /** Resolves when it has ended, whoever asked for it. */
  readonly done: Promise<void>;
  status(): DaemonStatus;
  /** Whether every worker has given a sign of life lately: for a watchdog. One that has not is about to be replaced. */
  answering(): boolean;
  /**
   * Calls back for each event after number `after`, then live. Returns the unsubscribe. A listener that throws is called on; of the first
   * time there is a process warning.
   */
  subscribe(after: number, listener: (event: Event) => void): () => void;
  /** What hosts ask for: answer it, or decline. */
  readonly questions: Supervisor['questions'];
  /** Drains every relay, then ends; safe to call twice. */
  close(why?: string): Promise<void>;
  /** Cuts a drain short. */
  now(): void;
  /** Writes a bug into the log, as the last thing before the process ends. */
  die(fault: Fault): void;
}

/** Starts a daemon in this process. Throws a fault when config, folders or another daemon stand in the way. */
export async function startDaemon(options: DaemonOptions = {}): Promise<Daemon> {
  const file = fileOf(options);
  const { sshConfig = null } = options;
  const load: LoadOptions = sshConfig === null ? {} : { sshConfig };
  const config = loadConfig(file, load);
  const folders = options.folders ?? locateFolders();
  openFolders(folders);
  const version = readVersion();
  const { attendant = null } = options;
  const supervisor = createSupervisor({
    config,
    version,
    stateDir: folders.state,
    builtins,
    givenToken: (relay) => handSetToken(folders.state, relay),
    attendant,
  });
  let end: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    end = resolve;
  });
  let why = 'asked by the program';
  const down = (now: boolean) => {
    why = 'asked by towline down';
    end();
    if (now) supervisor.now();
  };
  // Whoever asks may be in another folder.
  const reload = (touch: Touch) => supervisor.reload(() => loadSettled(file, { ...load, wholePath: true }), touch);
  const control = await startControl({ folders, supervisor, version, down, reload });
  const log = openLog({
    path: folders.log,
    verbose: process.env['TOWLINE_DEBUG'] === '1',
    ...(options.trouble === undefined ? {} : { trouble: options.trouble }),
  });
  supervisor.subscribe(0, log.tell);
  // Whether it was taken over, or why not, is an event.
  const unwatch = watchConfig(file, () => void reload([]).catch(() => undefined));
  const done = asked.then(() => {
    unwatch();
    return finish({ supervisor, control, log }, why);
  });
  try {
    await supervisor.start();
  } catch (error) {
    end();
    await done;
    throw Fault.from(error);
  }
  return {
    get config() {
      return supervisor.config;
    },
    reload: () => reload('all'),
    folders,
    done,
    questions: supervisor.questions,
    status: () => supervisor.status(),
    answering: () => supervisor.answering(),
    subscribe: (after, listener) => supervisor.subscribe(after, containListener(listener)),
    close: (reason = why) => {
      why = reason;
      end();
      return done;
    },
    now: () => supervisor.now(),
    die: log.die,
  };
}

/** What a listener throws would end the daemon, or be taken for the fault of a worker. */
function containListener(listener: (event: Event) => void): (event: Event) => void {
  let told = false;
  return (event) => {
    callOutside(
      () => listener(event),
      (error) => {
        if (told) return;
        told = true;
        const why = printable(error instanceof Error ? error.message : String(error));
        const text = `a listener of the daemon failed at ${event.type} (${why}), and is called on; this is told once: correct it`;
        process.emitWarning(text, { type: 'TowlineWarning', code: 'INTERNAL' });
      },
    );
  };
}

function fileOf({ config = null }: DaemonOptions): string {
  return findConfig({ cwd: process.cwd(), explicit: config, env: process.env, home: homedir() });
}

/** The name of the socket is freed last: who sees the event stream end may start the next daemon. */
async function finish(
  { supervisor, control, log }: { readonly supervisor: Supervisor; readonly control: Control; readonly log: Log },
  why: string,
): Promise<void> {
  try {
    await supervisor.close(why);
  } finally {
    log.close();
    await control.close();
  }
}
