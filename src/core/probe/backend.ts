import type { TokenDoor } from '../model/backend.ts';
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import type { Secret } from '../model/secret.ts';
import type { Link } from '../ssh/link/link.ts';
import { ask } from './ask.ts';
import { tokenFault } from './http.ts';
import { showToken } from './shown-token.ts';
import { isAccepted, kindOf } from './token-check.ts';

/** Well when the backend accepts its token, as its door says. Only for one that has proved to be ours: whoever answers is shown the token. */
export async function probeBackend(
  link: Link,
  target: Endpoint,
  { door, token }: { readonly door: TokenDoor; readonly token: Secret },
  timeout: number,
  signal: AbortSignal,
): Promise<void> {
  const name = formatEndpoint(target);
  const shown = { wire: door.wire, token };
  const channel = await link.dial(target, { address: '127.0.0.1', port: 0 });
  const status = await ask(channel, { kind: kindOf(door), name, timeout, ...showToken(door.path, shown) }, signal);
  if (isAccepted(status, door)) return;
  if (status === 400 || status === 401 || status === 403) throw tokenFault(name, status, shown);
  throw new Fault('PROBE_FAILED', `${name} answers ${status} to a request with its token; look at the backend`);
}
