import { type Endpoint, formatEndpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import { timeoutSignal } from '../model/timeout-signal.ts';
import type { Channel, Link } from '../ssh/link/link.ts';
import { dialAlone } from './probe.ts';

/** Well when the remote host can connect to the target. */
export async function probeTcp(link: Link, target: Endpoint, timeout: number, signal: AbortSignal): Promise<void> {
  shut(await openTcp(link, target, timeout, signal));
}

/** The connection by which the target is well, for who has something to ask over it. Rejects as probeTcp does. */
export function openTcp(link: Link, target: Endpoint, timeout: number, signal: AbortSignal): Promise<Channel> {
  const limit = AbortSignal.any([signal, timeoutSignal(timeout)]);
  return new Promise((resolve, reject) => {
    const late = () => {
      const text = `${formatEndpoint(target)} did not accept within ${timeout / 1000} s; look at the backend`;
      reject(new Fault('PROBE_FAILED', text));
    };
    limit.addEventListener('abort', late, { once: true });
    dialAlone(link, target).then((channel) => {
      limit.removeEventListener('abort', late);
      // Nobody waits for it any more.
      if (limit.aborted) shut(channel);
      resolve(channel);
    }, reject);
  });
}

/** Closes one of which nothing more is wanted. */
export function shut(channel: Channel): void {
  channel.resume();
  channel.close();
}
