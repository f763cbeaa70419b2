import { Fault, type FaultReport } from '../../model/fault.ts';

/** Why a client is reset instead of served, in words. */
export const tooManyOpen = (relay: string, most: number): FaultReport =>
  report('CONNECTIONS_FULL', `${most} connections are open, more are refused; raise connections of ${relay}`);

export const noDescriptors = (relay: string, open: number, all: number): FaultReport =>
  report(
    'CONNECTIONS_FULL',
    `${relay} has ${open} of ${all} open connections, as many as the limit of open files allows it beside the other relays; raise it (ulimit -n, LimitNOFILE=)`,
  );

export const tooManyHeld = (relay: string, most: number): FaultReport =>
  report('HOLD_FULL', `${most} clients wait for ${relay} already, more are refused; raise hold.connections`);

/** `time`: hold.time; `launch`: how long it waited besides, for a backend to start; ms. */
export const waitedInVain = (relay: string, time: number, launch: number): FaultReport => {
  const besides = launch < 1000 ? '' : `, besides ${Math.round(launch / 1000)} s for its backend to start,`;
  return report(
    'HOLD_EXPIRED',
    `a client waited ${time / 1000} s for ${relay} in vain${besides} and was reset; it may try again, or raise hold.time`,
  );
};

export const forwardGone = (relay: string): FaultReport =>
  report('RELAY_STOPPED', `a forward of ${relay} was taken out of the config while a client waited; use another one`);

export const neverAnswered = (relay: string): FaultReport =>
  report(
    'HANDOVER_FAILED',
    `a client of ${relay} was handed to a worker that never said what became of it, and was reset; it may try again`,
  );

function report(
  code: 'CONNECTIONS_FULL' | 'HOLD_FULL' | 'HOLD_EXPIRED' | 'HANDOVER_FAILED' | 'RELAY_STOPPED',
  text: string,
): FaultReport {
  return new Fault(code, text).report();
}
