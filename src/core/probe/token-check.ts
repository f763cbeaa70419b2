import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
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
 * accepted. `verify` is asked in between, with the connection that it will go over: whoever listened when that was made got it. It refuses by a fault;
 * false says that the host shows nobody who listens, then the refusal is the proof. Rejects with BACKEND_FOREIGN, TOKEN_REFUSED, PROBE_FAILED for no answer, with what dialing rejects with, and the signal's reason.
 */
export async function checkToken(
  dial: Dial,
  door: TokenDoor,
  token: Secret,
  signal: AbortSignal,
  verify: ((signal: AbortSignal) => Promise<boolean>) | null = null,
): Promise<void> {
  const wrong = new Secret(randomBytes(32).toString('base64url'));
  const stranger = await statusFor(await dial(), door, wrong, signal);
  if (!refusals.includes(stranger)) throw foreign(stranger, door);
  const stream = await dial();
  if (verify !== null) await heldOpen(stream, verify(signal));
  const status = await statusFor(stream, door, token, signal);
  if (isAccepted(status, door)) return;
  const text = `the backend answers ${status} to the relay's token`;
  if (status >= 500) throw new Fault('PROBE_FAILED', `${text}; look at the backend`);
  throw new Fault('TOKEN_REFUSED', `${text}, as to a wrong one`, { detail: { status } });
}

/**
 * For a backend that cannot be told from somebody else: it is shown no token, and must refuse that, as it refused a wrong one. Rejects with
 * BACKEND_FOREIGN, and PROBE_FAILED for no answer.
 */
export async function checkRefusal(
  stream: Duplex,
  door: TokenDoor,
  name: string,
  timeout: number,
  signal: AbortSignal,
): Promise<void> {
  const parts = showToken(door.path, null);
  const { status } = await ask(stream, { kind: kindOf(door), name, timeout, ...parts }, signal);
  if (refusals.includes(status)) return;
  if (status >= 500) throw new Fault('PROBE_FAILED', `${name} answers ${status}; look at the backend`);
  const text = `${name} answers ${status} to who shows no token, where the backend answers ${refusals.join(', ')}; look at who listens there`;
  throw new Fault('BACKEND_FOREIGN', text, { detail: { status } });
}

/** Waits for something while a connection stands, and closes that where it goes wrong. */
export async function heldOpen<T>(stream: Duplex, what: Promise<T>): Promise<T> {
  stream.on('error', () => undefined); // who uses it next sees that it is closed
  try {
    return await what;
  } catch (error) {
    stream.resume();
    stream.destroy();
    throw error;
  }
}

async function statusFor(stream: Duplex, door: TokenDoor, token: Secret, signal: AbortSignal): Promise<number> {
  const parts = showToken(door.path, { wire: door.wire, token });
  const { status } = await ask(stream, { kind: kindOf(door), name: 'the backend', timeout, ...parts }, signal);
  return status;
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
