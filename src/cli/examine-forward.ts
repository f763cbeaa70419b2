import { defaultDeadlines, type ForwardConfig } from '../core/model/config.ts';
import { type Endpoint, formatEndpoint } from '../core/model/endpoint.ts';
import { Fault } from '../core/model/fault.ts';
import { probeHttp } from '../core/probe/http.ts';
import { probeTcp } from '../core/probe/tcp.ts';
import { probeWebsocket } from '../core/probe/websocket.ts';
import type { Link } from '../core/ssh/link/link.ts';
import { type Finding, well, wrong } from './finding.ts';

type Say = (finding: Finding) => void;

/** Without a target of its own a host is asked for its own sshd: whether anything answers there does not matter. */
export async function examineForwarding(link: Link, say: Say): Promise<void> {
  const target: Endpoint = { kind: 'tcp', host: '127.0.0.1', port: 22 };
  const fault = await faultOf(
    link,
    probeTcp(link, target, defaultDeadlines.open, AbortSignal.timeout(defaultDeadlines.open)),
  );
  if (fault === null || fault.code === 'TARGET_REFUSED')
    return say(well('forwarding', '', 'the server forwards connections'));
  say(wrong('forwarding', '', fault));
}

/** Goes by a link to the target of a forward, and asks it as its health check would. */
export async function examineForward(
  link: Link,
  { target, health }: ForwardConfig,
  host: string,
  { say, signal }: { readonly say: Say; readonly signal: AbortSignal },
): Promise<void> {
  if (target.kind === 'backend') {
    return say(well('target', 'backend', 'launched over a link; `towline backend ps` shows what runs there'));
  }
  const name = formatEndpoint(target);
  const fault = await faultOf(link, probeTcp(link, target, defaultDeadlines.open, signal));
  if (fault !== null) {
    if (fault.code !== 'TARGET_REFUSED') return say(wrong('forwarding', name, fault));
    const show = `ss -l${target.kind === 'tcp' ? 'tn' : 'x'}`;
    return say(wrong('target', name, fault, `on ${host} \`${show}\` shows what listens; start the backend there`));
  }
  say(well('target', name, 'the server forwards there, and something answers'));
  if (health?.kind !== 'http' && health?.kind !== 'websocket') return;
  const unwell = await faultOf(
    link,
    (health.kind === 'http' ? probeHttp : probeWebsocket)(
      () => link.dial(target, { address: '127.0.0.1', port: 0 }),
      target,
      health,
      signal,
    ),
  );
  say(
    unwell === null
      ? well('backend', name, `answers as it should (${health.kind === 'http' ? 'HTTP' : 'WebSocket'})`)
      : wrong('backend', name, unwell),
  );
}

/** What is wrong with one target; the end of the link itself is thrown, and told once. */
async function faultOf(link: Link, attempt: Promise<void>): Promise<Fault | null> {
  try {
    await attempt;
    return null;
  } catch (error) {
    if (link.fault !== null) throw link.fault;
    return Fault.from(error);
  }
}
