import type { ClientChannel } from 'ssh2';
import { openPatience } from '../../model/config.ts';
import { Fault } from '../../model/fault.ts';
import { openFault } from '../login/errors.ts';
import type { Pulse } from './pulse.ts';

/** What opening a channel needs of its link. */
export interface Opening {
  /** The host, as faults name it. */
  readonly where: string;
  /** How long it may take once the server has seen the request, ms. */
  readonly deadline: number;
  readonly pulse: Pulse;
  /** Asks the server for a sign of life; answers come in the order of the questions. Returns what gives up waiting for it. */
  readonly ping: (answered: () => void) => () => void;
  /** Whether next to nothing of ours is on the way to the server. */
  readonly idle: () => boolean;
  /** So long a living server may take to say anything at all, ms. */
  readonly hesitation: () => number;
  /** The server says nothing at all. False: nobody looks after a link whose life is in doubt. */
  readonly suspect: () => boolean;
  /** What ended the link; null while it lives. */
  readonly fault: () => Fault | null;
  readonly onLost: (listener: (fault: Fault) => void) => () => void;
  /** Called as soon as a channel is open, before one byte of it is read. */
  readonly opened: (channel: ClientChannel) => void;
  /** The server is silent, or the connection gone: give up the link. */
  readonly lose: (fault: Fault) => void;
}

type Done = (error: Error | undefined, channel: ClientChannel) => void;

/** So much of the deadline may pass in silence while the pipe may be full. */
const full = 0.6;

/** A timer that fires so much too late tells that this process did not run (sleep, SIGSTOP): that is not the server's silence. ms */
const away = 1_000;

/**
 * Opens a channel with a deadline; ssh2 has none. A ping goes right behind the request, and its answer starts the clock: on a slow
 * link with a full pipe the request itself may be long on its way. Rejects with what `open` failed with, with OPEN_TIMEOUT when
 * the server has seen the request and does not grant it, or talks of everything else, with the reason of `signal`, or with what ended
 * the link. When the server says nothing at all the link's life is in doubt: soon where nothing of ours is on the way, else after three fifths
 * of the deadline, for a pipe may be full. Where nobody looks after that, and nothing is on the way, the link is given up at the deadline.
 * `name` is the target.
 */
export function openChannel(
  opening: Opening,
  name: string,
  open: (done: Done) => void,
  signal?: AbortSignal,
): Promise<ClientChannel> {
  const { where, deadline, pulse, lose } = opening;
  return new Promise((resolve, reject) => {
    const lost = opening.fault();
    if (lost !== null) return reject(lost);
    if (signal?.aborted === true) return reject(signal.reason);
    let settled = false;
    let seen = false;
    let waits = 0;
    let timer: NodeJS.Timeout | undefined;
    let unasked: () => void = () => undefined;
    const settle = (end: () => void) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      clearTimeout(look);
      unasked();
      signal?.removeEventListener('abort', leave);
      forget();
      end();
    };
    const arm = () => {
      clearTimeout(timer);
      const due = performance.now() + deadline;
      timer = setTimeout(() => ring(performance.now() - due), deadline);
    };
    const leave = () => settle(() => reject(signal?.reason));
    const hesitation = Math.min(opening.hesitation(), deadline);
    const enough = () => (opening.idle() ? hesitation : Math.max(hesitation, deadline * full));
    let look: NodeJS.Timeout | undefined;
    const lookIn = (time: number) => {
      const due = performance.now() + time;
      look = setTimeout(() => {
        if (seen) return;
        const late = performance.now() - due > away;
        const left = enough() - pulse.quietFor();
        if (!late && left < 10) opening.suspect();
        else lookIn(late ? hesitation : left);
      }, time);
    };
    const ring = (late: number) => {
      if (late > away) return arm();
      waits += 1;
      if (seen || waits >= openPatience) {
        const text = `${where} did not open ${name} within ${(seen ? deadline : deadline * waits) / 1000} s; check that the target is reachable from there`;
        return settle(() => reject(new Fault('OPEN_TIMEOUT', text, { detail: { target: name } })));
      }
      if (pulse.quietFor() >= deadline && opening.idle() && !opening.suspect()) {
        return lose(new Fault('LINK_SILENT', `no answer from ${where} for ${deadline / 1000} s; reconnecting`));
      }
      // The pipe is full, or the server busy with others: the link's own pulse says when it is dead.
      arm();
    };
    const forget = opening.onLost((fault) => settle(() => reject(fault)));
    signal?.addEventListener('abort', leave);
    arm();
    lookIn(hesitation);
    try {
      open((error, channel) => {
        if (error) return settle(() => reject(opening.fault() ?? openFault(error, where, name)));
        channel.on('error', () => undefined);
        // Opened after its deadline: nobody waits for it any more.
        if (settled) return channel.close();
        opening.opened(channel);
        settle(() => resolve(channel));
      });
      unasked = opening.ping(() => {
        seen = true;
        if (!settled) arm();
      });
    } catch {
      // ssh2 knows before we do that the connection is gone.
      lose(new Fault('LINK_LOST', `the link to ${where} was lost while ${name} was being opened; reconnecting`));
    }
  });
}
