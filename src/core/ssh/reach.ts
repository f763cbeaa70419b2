import type { Client } from 'ssh2';
import type { Duplex } from 'node:stream';
import type { Deadlines } from '../model/config.ts';
import { formatAddress } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import type { Carrier } from './link/carriers.ts';
import { openFault } from './login/errors.ts';
import { runProxyCommand } from './proxy-command.ts';
import type { Hop } from './route.ts';
import { connectTcp } from './tcp.ts';

/** What reaching the first host of a route needs. */
export interface ReachOptions {
  readonly deadlines: Deadlines;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onNote: (text: string) => void;
}

/** Reaches the first host of a route: over TCP, or by its ProxyCommand, which has no deadline here but that of the greeting. */
export async function reachFirst(hop: Hop, options: ReachOptions, signal: AbortSignal): Promise<Carrier> {
  const { host, where } = hop;
  const { deadlines, env, onNote } = options;
  if (host.proxyCommand === null) return connectTcp(host, deadlines.tcp, signal);
  return runProxyCommand({ command: host.proxyCommand, where, env, onNote });
}

/** Reaches the next hop through the one before it (`ssh -W`). */
export function reachThrough(
  client: Client,
  where: string,
  hop: Hop,
  deadline: number,
  signal: AbortSignal,
): Promise<Duplex> {
  const { hostName, port } = hop.host;
  const name = formatAddress({ hostName, port });
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      client.off('close', closed);
      end();
    };
    const fail = (fault: Fault) => settle(() => reject(fault));
    const aborted = () => fail(Fault.from(signal.reason));
    const closed = () => fail(new Fault('LINK_LOST', `the link to ${where} was lost; trying again`));
    const timer = setTimeout(() => {
      const text = `${where} did not reach ${name} within ${deadline / 1000} s; check the address`;
      fail(new Fault('CONNECT_TIMEOUT', text));
    }, deadline);
    signal.addEventListener('abort', aborted, { once: true });
    client.once('close', closed);
    try {
      client.forwardOut('127.0.0.1', 0, hop.host.hostName, hop.host.port, (error, channel) => {
        if (error) return fail(hopFault(openFault(error, where, name)));
        channel.on('error', () => undefined);
        settle(() => resolve(channel));
      });
    } catch (error) {
      fail(hopFault(openFault(error, where, name)));
    }
  });
}

/** A next hop that cannot be reached fails the attempt: it is as if our own connect had failed. */
function hopFault(fault: Fault): Fault {
  if (fault.code !== 'TARGET_REFUSED') return fault;
  return new Fault('CONNECT_REFUSED', fault.message, { cause: fault, detail: fault.detail });
}
