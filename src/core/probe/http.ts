import { formatEndpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import { printable } from '../model/printable.ts';
import { ask, mostRead } from './ask.ts';
import type { Probe } from './probe.ts';
import { type ShownToken, showToken } from './shown-token.ts';

/**
 * Well when the target answers a GET with the status that the config names, or any of 200 to 399, and with the text that it names. `shown`: the token that the
 * request has.
 */
export const probeHttp: Probe = async (dial, target, health, signal, shown = null) => {
  const name = formatEndpoint(target);
  const parts = showToken(health.path, shown);
  const { timeout, body } = health;
  const { status, found } = await ask(await dial(), { kind: 'http', name, timeout, body, ...parts }, signal);
  const well = health.status === null ? status >= 200 && status < 400 : status === health.status;
  if (well && found) return;
  if (well) {
    const text = `${name} answers ${status} without "${printable(body ?? '')}" in its first ${mostRead / 1024} KiB; look at the backend, or correct health.body`;
    throw new Fault('PROBE_FAILED', text);
  }
  if (status === 401 || status === 403) throw tokenFault(name, status, shown);
  const wanted = health.status ?? '200 to 399';
  throw new Fault('PROBE_FAILED', `${name} answers ${status} instead of ${wanted}; look at the backend`);
};

/** For a target that answers as if the token were wrong, or there were none. */
export function tokenFault(name: string, status: number, shown: ShownToken | null): Fault {
  return shown === null
    ? new Fault('TOKEN_MISSING', `${name} answers ${status}: it asks for a token; give the relay a token`)
    : new Fault('TOKEN_REFUSED', `${name} answers ${status} to the relay's token`, { detail: { status } });
}
