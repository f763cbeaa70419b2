import type { ClientChannel } from 'ssh2';
import { Fault } from '../model/fault.ts';
import { openFault } from './errors.ts';
import type { Pulse } from './pulse.ts';

/** What opening a channel needs of its link. */
export interface Opening {
  /** The host, as faults name it. */
  readonly where: string;
  /** How long it may take, ms. */
  readonly deadline: number;
  readonly pulse: Pulse;
  /** What ended the link; null while it lives. */
  readonly fault: () => Fault | null;
  readonly onLost: (listener: (fault: Fault) => void) => () => void;
  /** Called as soon as a channel is open, before one byte of it is read. */
  readonly opened: (channel: ClientChannel) => void;
  /** The server is silent: give up the link. */
  readonly lose: (fault: Fault) => void;
}

type Done = (error: Error | undefined, channel: ClientChannel) => void;

/** A timer that fires so much too late tells that this process did not run (sleep, SIGSTOP): that is not the server's silence. ms */
const away = 1_000;

/**
 * Opens a channel with a deadline; ssh2 has none. Rejects with what `open` failed with, with OPEN_TIMEOUT, or with what ended the
 * link. When the deadline passes without one byte from the server, the link itself is given up. `name` is the target.
 */
export function openChannel(opening: Opening, name: string, open: (done: Done) => void): Promise<ClientChannel> {
  const { where, deadline, pulse, lose } = opening;
  return new Promise((resolve, reject) => {
    const lost = opening.fault();
    if (lost !== null) return reject(lost);
    let settled = false;
    let late: NodeJS.Timeout | undefined;
    let early: NodeJS.Timeout | undefined;
    const settle = (end: () => void) => {
      if (settled) return;
      settled = true;
      clearTimeout(late);
      clearTimeout(early);
      forget();
      end();
    };
    const arm = () => {
      const due = performance.now() + deadline;
      early = setTimeout(() => pulse.suspect(), deadline / 2);
      late = setTimeout(() => {
        if (performance.now() - due > away) return arm();
        if (pulse.quietFor() >= deadline) {
          return lose(new Fault('LINK_SILENT', `no answer from ${where} for ${deadline / 1000} s; reconnecting`));
        }
        const text = `${where} did not open ${name} within ${deadline / 1000} s; check that the target is reachable from there`;
        settle(() => reject(new Fault('OPEN_TIMEOUT', text, { detail: { target: name } })));
      }, deadline);
    };
    const forget = opening.onLost((fault) => settle(() => reject(fault)));
    arm();
    try {
      open((error, channel) => {
        if (error) return settle(() => reject(opening.fault() ?? openFault(error, where, name)));
        channel.on('error', () => undefined);
        // Opened after its deadline: nobody waits for it any more.
        if (settled) return channel.close();
        opening.opened(channel);
        settle(() => resolve(channel));
      });
    } catch (error) {
      settle(() => reject(openFault(error, where, name)));
    }
  });
}
