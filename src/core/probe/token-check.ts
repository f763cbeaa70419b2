import { randomBytes } from 'node:crypto';
import type { TokenDoor } from '../model/backend.ts';
import { Fault } from '../model/fault.ts';
import type { Dial } from '../model/plugin.ts';
import { Secret } from '../model/secret.ts';
import { ask } from './ask.ts';
import { showToken } from './shown-token.ts';

/** How long each of the two answers may take, ms. */
const timeout = 5_000;

const refusals: readonly number[] = [400, 401, 403];

/**
 * Proves that what answers is the backend to which a token belongs: a random one must be refused, and only then the right one is sent and must be
 * accepted. Rejects with BACKEND_FOREIGN, TOKEN_REFUSED, PROBE_FAILED for no answer, with what dialing rejects with, and the signal's reason.
 */
export async function checkToken(dial: Dial, door: TokenDoor, token: Secret, signal: AbortSignal): Promise<void> {
  const wrong = new Secret(randomBytes(32).toString('base64url'));
  const stranger = await statusFor(dial, door, wrong, signal);
  if (!refusals.includes(stranger)) throw foreign(stranger, door);
  const status = await statusFor(dial, door, token, signal);
  if (isAccepted(status, door)) return;
  const text = `the backend answers ${status} to the relay's token`;
  if (status >= 500) throw new Fault('PROBE_FAILED', `${text}; look at the backend`);
  const todo = 'set the right one: `towline token set`';
  throw new Fault('TOKEN_REFUSED', `${text}, as to a wrong one; ${todo}`, { detail: { status } });
}

async function statusFor(dial: Dial, door: TokenDoor, token: Secret, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const parts = showToken(door.path, { wire: door.wire, token });
  return ask(await dial(), { kind: kindOf(door), name: 'the backend', timeout, ...parts }, signal);
}

/** Subprotocols exist in a WebSocket handshake only. */
export function kindOf({ kind, wire }: TokenDoor): TokenDoor['kind'] {
  return wire.in === 'subprotocol' ? 'websocket' : kind;
}

/** Whether this status says that the token was right. */
export function isAccepted(status: number, door: TokenDoor): boolean {
  return kindOf(door) === 'websocket' ? status === 101 : status >= 200 && status < 300;
}

function foreign(status: number, door: TokenDoor): Fault {
  const what = isAccepted(status, door)
    ? `accepts any token (it answers ${status} to a random one)`
    : `answers ${status} to a random token, where the backend answers ${refusals.join(', ')}`;
  const text = `what listens on the port ${what}, so it got no real one; look at who listens there, and at the door of its recipe`;
  return new Fault('BACKEND_FOREIGN', text, { detail: { status } });
}
