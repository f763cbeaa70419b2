import { RelayFault } from './relay-fault.ts';
import type { End } from './socket.ts';

/** HTTP statuses that refuse a token. */
export const refusing: readonly number[] = [401, 403];
/** Close codes that do: 3000 and 3003 as IANA has them, 4401 and 4403 as is the custom. 1008 means too many other things. */
export const defaultRefusals: readonly number[] = [3000, 3003, 4401, 4403];

/** What is known of a socket beside its end. */
interface Known {
  /** Its handshake had come about. */
  readonly opened: boolean;
  readonly shown: string;
  readonly hasToken: boolean;
  readonly refusals: readonly number[];
}

/** What the end of a socket means. */
export function judge(end: End, { opened, shown, hasToken, refusals }: Known): RelayFault {
  if (end.how === 'refused') {
    if (refusing.includes(end.status)) return tokenRefused(shown, `HTTP ${end.status}`, hasToken);
    const what = `${shown} answered the handshake with HTTP ${end.status}: check its path and port`;
    return new RelayFault('HANDSHAKE_REFUSED', what);
  }
  const said = end.text === '' ? '' : ` (${end.text})`;
  if (!opened) return new RelayFault('UNREACHABLE', `no handshake with ${shown}${said}: see \`towline status\``);
  if (refusals.includes(end.code)) return tokenRefused(shown, `close code ${end.code}${said}`, hasToken);
  if (end.code === 1006) return new RelayFault('LINK_LOST', `the connection to ${shown} was cut${said}`);
  return new RelayFault('CLOSED', `${shown} closed the connection with code ${end.code}${said}`);
}

export function tokenRefused(shown: string, by: string, hasToken: boolean): RelayFault {
  const what = hasToken ? `${shown} refuses the token` : `${shown} wants a token`;
  const todo = 'take the present one (`towline token RELAY`) and call retry(token)';
  return new RelayFault('TOKEN_REFUSED', `${what} (${by}): ${todo}`);
}
