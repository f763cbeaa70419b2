import type { FaultReport } from '../core/model/fault.ts';
import type { BackingState, Beside, LaneState, Rest } from '../core/model/state.ts';
import { debug, type Description, error, info, warn } from './description.ts';
import { formatDuration } from './quantity.ts';

/** How it stands with a lane. `who` is its name, `now` the time of the event. Pure. */
export function tellState(state: LaneState, who: string, now: number): Description {
  switch (state.at) {
    case 'idle':
      return debug(`${who}: idle`);
    case 'dialing':
      if (state.lost !== undefined) return warn(`${who}: ${formatFault(state.lost)}`);
      return state.attempt === 1
        ? info(`${who}: ${state.before ? 'reconnecting' : 'connecting'}`)
        : debug(`${who}: attempt ${state.attempt}`);
    case 'up':
      if (state.beside !== null) return tellBeside(state.beside, who, now);
      return state.backing === null ? debug(`${who}: the link is up`) : tellBacking(state.backing, who, now);
    case 'waiting':
      return tellWait(state, who, now);
    case 'blocked':
      return error(`${who}: blocked: ${formatFault(state.fault)}${nextIf(state.until, now)}`);
    case 'draining':
      return info(`${who}: the link is draining, at most ${formatDuration(state.until - now)}`);
    case 'ended':
      return debug(`${who}: ended`);
  }
}

/** What it begins and ends with are facts of their own. */
function tellBeside(beside: Beside, who: string, now: number): Description {
  const whose = `${who}: the second link`;
  switch (beside.at) {
    case 'doubting':
      return debug(`${who}: ${beside.where} is asked for a sign of life`);
    case 'dialing':
      return debug(`${whose}: attempt ${beside.attempt}`);
    case 'waiting':
      return tellWait(beside, whose, now);
    case 'blocked':
      return warn(`${whose}: ${formatFault(beside.fault)}${nextIf(beside.until, now)}`);
    case 'alone':
      return debug(`${who}: the link is waited for`);
  }
}

function tellBacking(state: BackingState, who: string, now: number): Description {
  const whose = `${who}: its backend`;
  switch (state.at) {
    case 'trying': {
      if (state.fresh === true) return debug(`${who}: the link is up, its backend is brought`);
      const text = `${whose} is brought again, the link stays up`;
      return state.tries.of === 'none' ? info(text) : debug(text);
    }
    case 'waiting':
      return tellWait(state, whose, now);
    case 'blocked':
      return error(`${whose} is missing, the link stays up: ${formatFault(state.fault)}${nextIf(state.until, now)}`);
  }
}

function tellWait({ tries, fault, until }: Extract<Rest, { at: 'waiting' }>, who: string, now: number): Description {
  const { count } = tries;
  const often = count > 3 ? ` (${count} failures in a row)` : '';
  const text = `${who}: ${formatFault(fault)}, ${nextTry(until - now)}${often}`;
  // A night without network is thousands of failures: the log keeps the first three, then each that doubles.
  return count <= 3 || Number.isInteger(Math.log2(count)) ? warn(text) : debug(text);
}

/** A fault in one line: what happened and its code. */
export function formatFault(fault: FaultReport): string {
  return `${fault.message} [${fault.code}]`;
}

function nextIf(until: number | null, now: number): string {
  return until === null ? '' : `, ${nextTry(until - now)}`;
}

function nextTry(wait: number): string {
  return wait <= 100 ? 'trying again now' : `next try in ${formatDuration(wait)}`;
}
