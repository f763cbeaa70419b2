import { Fault } from '../model/fault.ts';

/**
 * Ends a TOKEN_REFUSED with what helps the relay that it is about; anything else stays as it is. `byHand`: a person set that token, which counts
 * more than the backend's own.
 */
export function adviseRefused<Thrown>(error: Thrown, relay: string, byHand: boolean): Thrown | Fault {
  if (!(error instanceof Fault) || error.code !== 'TOKEN_REFUSED') return error;
  const set = `\`towline token set ${relay}\``;
  const todo = byHand
    ? `that one was set by hand and counts more than the backend's own: \`towline token forget ${relay}\` goes back to it, ${set} sets another`
    : `set the right one: ${set}`;
  return new Fault('TOKEN_REFUSED', `${error.message}; ${todo}`, { cause: error, detail: error.detail });
}
