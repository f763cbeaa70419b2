import type { Backend } from '../model/backend.ts';
import { Fault } from '../model/fault.ts';
import type { FaultCode } from '../model/fault-table.ts';
import type { HookName } from '../model/hooks.ts';
import type { BackendCall, Credential, LoginHost, RelayHooks } from '../model/plugin.ts';
import { orAborted } from '../model/or-aborted.ts';
import { printable } from '../model/printable.ts';
import type { RemoteHost } from '../model/remote.ts';
import type { Secret } from '../model/secret.ts';
import { readBackend, readCredential, readToken } from './answers.ts';
import type { Lateness } from './call.ts';
import type { Seat } from './seat.ts';

/** When its deadline has passed a launch has so long to say how far it came, ms. */
const grace = 1_000;

/** How to log in to a host; undefined: nobody knows. */
export function credentialOf(seats: readonly Seat[], host: LoginHost): Promise<Credential | undefined> {
  return first(seats, 'identify', 'IDENTITY_UNREADABLE', readCredential, (hooks) => hooks.identify?.(host));
}

/** The backend that the first plugin has; undefined: none has one. */
export async function backendOf(
  seats: readonly Seat[],
  link: RemoteHost,
  call: BackendCall,
): Promise<Backend | undefined> {
  const late = new AbortController();
  const lateness = { late: () => late.abort(new Fault('LAUNCH_TIMEOUT', 'the backend was not ready in time')), grace };
  const told: BackendCall = {
    ...call,
    signal: AbortSignal.any([call.signal, late.signal]),
    // Whatever it says on the way is shown and kept.
    progress: (text) => call.progress(printable(String(text))),
    warn: (text) => call.warn(printable(String(text))),
  };
  const asked = first(seats, 'backend', 'LAUNCH_FAILED', readBackend, (hooks) => hooks.backend?.(link, told), lateness);
  return orAborted(asked, call.signal);
}

/** The token that the first plugin knows. A hook that hangs is not waited for once `signal` is aborted; what it was given is aborted with that. */
export async function tokenOf(
  seats: readonly Seat[],
  link: RemoteHost,
  backend: Backend | null,
  signal: AbortSignal,
): Promise<Secret | null | undefined> {
  const over = new AbortController();
  const asked = first(seats, 'token', 'TOKEN_MISSING', readToken, (hooks) => hooks.token?.(link, backend, over.signal));
  try {
    return await orAborted(asked, signal);
  } finally {
    over.abort(new Error('nobody waits for the token any more'));
  }
}

/** The first answer that is not undefined. What goes wrong in a hook ends the search: another plugin's answer would hide it. */
async function first<T>(
  seats: readonly Seat[],
  hook: HookName,
  code: FaultCode,
  read: (answer: unknown) => T,
  ask: (hooks: RelayHooks) => unknown,
  lateness?: Lateness,
): Promise<T | undefined> {
  for (const seat of seats) {
    if (seat.hooks[hook] === undefined) continue;
    try {
      const answer = await seat.call(
        hook,
        async () => {
          const given = await ask(seat.hooks);
          return given === undefined ? undefined : { read: read(given) };
        },
        lateness,
      );
      if (answer !== undefined) return answer.read;
    } catch (error) {
      const fault = Fault.from(error);
      if (fault.code !== 'PLUGIN_FAILED') throw fault;
      throw new Fault(code, fault.message, { cause: fault });
    }
  }
  return undefined;
}
