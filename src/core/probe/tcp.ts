import { type Endpoint, formatEndpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import type { Link } from '../ssh/link/link.ts';
import { dialAlone } from './probe.ts';

/** Well when the remote host can connect to the target. */
export function probeTcp(link: Link, target: Endpoint, timeout: number, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  return new Promise((resolve, reject) => {
    const late = () => {
      const text = `${formatEndpoint(target)} did not accept within ${timeout / 1000} s; look at the backend`;
      reject(new Fault('PROBE_FAILED', text));
    };
    limit.addEventListener('abort', late, { once: true });
    dialAlone(link, target).then((channel) => {
      channel.resume();
      channel.close();
      resolve();
    }, reject);
  });
}
