import { formatEndpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import { ask } from './ask.ts';
import { dialAlone, type Probe } from './probe.ts';
import { type ShownToken, showToken } from './shown-token.ts';

/** Well when the target answers a GET with the status that the config names, or any of 200 to 399. `shown`: the token that the request has. */
export const probeHttp: Probe = async (link, target, health, signal, shown = null) => {
  const name = formatEndpoint(target);
  const channel = await dialAlone(link, target);
  const parts = showToken(health.path, shown);
  const status = await ask(channel, { kind: 'http', name, timeout: health.timeout, ...parts }, signal);
  const well = health.status === null ? status >= 200 && status < 400 : status === health.status;
  if (well) return;
  if (status === 401 || status === 403) throw tokenFault(name, status, shown);
  const wanted = health.status ?? '200 to 399';
  throw new Fault('PROBE_FAILED', `${name} answers ${status} instead of ${wanted}; look at the backend`);
};

/** For a target that answers as if the token were wrong, or there were none. */
export function tokenFault(name: string, status: number, shown: ShownToken | null): Fault {
  return shown === null
    ? new Fault('TOKEN_MISSING', `${name} answers ${status}: it asks for a token; give the relay a token`)
    : new Fault(
        'TOKEN_REFUSED',
        `${name} answers ${status} to the relay's token; set the right one: \`towline token set\``,
      );
}
