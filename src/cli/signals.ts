import { isatty } from 'node:tty';
import { Fault } from '../core/model/fault.ts';
import type { Daemon } from '../daemon.ts';
import type { Terminal } from './terminal.ts';

/** How the daemon's process answers signals. */
export interface Signals {
  /** 0 after a drain, 128 + the signal's number after a second one. */
  code(): number;
  release(): void;
}

const numbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/**
 * How long the end may still take after a second signal, ms: then the process leaves as it is. By then every client has been reset, every
 * worker and every plugin's process killed; what is left are a reader of events or of the output that does not read, whoever inherited a worker's
 * stderr. The next daemon takes over the socket of one that left so.
 */
const patience = 40;

/** The first SIGINT or SIGTERM drains, a second one ends now. SIGHUP ends a daemon whose terminal is gone; any other is a `reload`. */
export function obeySignals(
  daemon: Pick<Daemon, 'close' | 'now'>,
  terminal: Terminal,
  reload: () => Promise<unknown>,
  say: (text: string) => void,
): Signals {
  let asked = 0;
  let forced: number | null = null;
  const end = (signal: NodeJS.Signals) => {
    asked += 1;
    if (asked === 1) {
      say(`${signal}: ending when open connections have; a second one ends them now`);
      void daemon.close(`${signal}`);
      return;
    }
    forced = 128 + (signal === 'SIGINT' ? numbers.SIGINT : numbers.SIGTERM);
    daemon.now();
    setTimeout(() => process.exit(forced ?? 1), patience).unref();
  };
  const hang = () => {
    // A terminal that hung up is one no longer, before it sends this.
    if (terminal.live && !isatty(1)) return end('SIGHUP');
    // What became of it is an event, but for a daemon that ends.
    reload().catch((error: unknown) => {
      const fault = Fault.from(error);
      if (!fault.code.startsWith('CONFIG_')) say(`SIGHUP: ${fault.message} [${fault.code}]`);
      else for (const line of problemsIn(fault)) say(line);
    });
  };
  process.on('SIGINT', end).on('SIGTERM', end).on('SIGHUP', hang);
  return {
    code: () => forced ?? 0,
    release: () => {
      process.off('SIGINT', end).off('SIGTERM', end).off('SIGHUP', hang);
    },
  };
}

/** All but the first problem of a config, which its event has. */
function problemsIn({ detail }: Fault): readonly string[] {
  return typeof detail['problems'] === 'string' ? detail['problems'].split('\n').slice(1) : [];
}
