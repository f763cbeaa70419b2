import type { Daemon } from '../daemon.ts';
import type { Terminal } from './terminal.ts';

/** How the daemon's process answers signals. */
export interface Signals {
  /** 0 after a drain, 128 + the signal's number after a second one. */
  code(): number;
  release(): void;
}

const numbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/** How long the end may still take after a second signal, ms: then the process leaves as it is. */
const patience = 2_000;

/** The first SIGINT or SIGTERM drains, a second one ends now. SIGHUP ends a daemon whose terminal is gone, no other. */
export function obeySignals(daemon: Daemon, terminal: Terminal, say: (text: string) => void): Signals {
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
    if (terminal.live) end('SIGHUP');
    else say('SIGHUP is ignored; restart the daemon to read the config again');
  };
  process.on('SIGINT', end).on('SIGTERM', end).on('SIGHUP', hang);
  return {
    code: () => forced ?? 0,
    release: () => {
      process.off('SIGINT', end).off('SIGTERM', end).off('SIGHUP', hang);
    },
  };
}
