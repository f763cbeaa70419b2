import { defaultDeadlines, type ForwardConfig } from '../core/model/config.ts';
import { type Endpoint, formatEndpoint, sameEndpoint } from '../core/model/endpoint.ts';
import { Fault } from '../core/model/fault.ts';
import { timeoutSignal } from '../core/model/timeout-signal.ts';
import { probeHttp } from '../core/probe/http.ts';
import { dialAlone } from '../core/probe/probe.ts';
import { probeTcp } from '../core/probe/tcp.ts';
import { heldOpen } from '../core/probe/token-check.ts';
import { probeWebsocket } from '../core/probe/websocket.ts';
import { dialHere } from '../core/socket/dial-here.ts';
import type { Link } from '../core/ssh/link/link.ts';
import type { FoundBackend } from './examine-backend.ts';
import { type Finding, well, wrong } from './finding.ts';

type Say = (finding: Finding) => void;

/** Without a target of its own a host is asked for its own sshd: whether anything answers there does not matter. */
export async function examineForwarding(link: Link, say: Say, but = ''): Promise<void> {
  const target: Endpoint = { kind: 'tcp', host: '127.0.0.1', port: 22 };
  const fault = await faultOf(
    link,
    probeTcp(link, target, defaultDeadlines.open, timeoutSignal(defaultDeadlines.open)),
  );
  if (fault === null || fault.code === 'TARGET_REFUSED')
    return say(well('forwarding', '', `the server forwards connections${but}`));
  say(wrong('forwarding', '', fault));
}

/** What a forward is examined with. */
export interface ForwardOptions {
  /** The host, as the user calls it. */
  readonly host: string;
  /** The relay's backend; null where there is none, or it was not found: that was told then. */
  readonly backend: FoundBackend | null;
  readonly say: Say;
  readonly signal: AbortSignal;
}

/** Goes by a link to the target of a forward, and asks it as its health check would. */
export async function examineForward(
  link: Link,
  forward: ForwardConfig,
  { host, backend, say, signal }: ForwardOptions,
): Promise<void> {
  if (forward.kind === 'dynamic') return examineForwarding(link, say, '; where its clients go is not probed');
  if (forward.kind === 'remote') return examineHere(forward.target, say);
  const { target: wanted, health } = forward;
  const target = wanted.kind === 'backend' ? (backend?.target ?? null) : wanted;
  if (target === null) return;
  const name = formatEndpoint(target);
  const fault = await faultOf(link, probeTcp(link, target, defaultDeadlines.open, signal));
  if (fault !== null) {
    if (fault.code !== 'TARGET_REFUSED') return say(wrong('forwarding', name, fault));
    const show = `ss -l${target.kind === 'tcp' ? 'tn' : 'x'}`;
    return say(wrong('target', name, fault, `on ${host} \`${show}\` shows what listens; start the backend there`));
  }
  say(well('target', name, 'the server forwards there, and something answers'));
  if (health?.kind !== 'http' && health?.kind !== 'websocket') return;
  // What is the backend's own is shown to the backend alone.
  const led = backend !== null && sameEndpoint(target, backend.target) ? backend : null;
  const probe = health.kind === 'http' ? probeHttp : probeWebsocket;
  const ask = async () => {
    const stream = await dialAlone(link, target);
    const verify = led?.verify ?? null;
    const proved = verify !== null && (await heldOpen(stream, verify(signal)));
    await probe(async () => stream, target, health, signal, proved ? led?.shown : null).catch((error: unknown) => {
      // One that asks for the token, which it is not shown, is alive.
      if (proved || verify === null || Fault.from(error).code !== 'TOKEN_MISSING') throw error;
    });
  };
  const unwell = await faultOf(link, ask());
  say(
    unwell === null
      ? well('backend', name, `answers as it should (${health.kind === 'http' ? 'HTTP' : 'WebSocket'})`)
      : wrong('backend', name, unwell),
  );
}

/** A remote forward leads to this machine. */
async function examineHere(target: Endpoint, say: Say): Promise<void> {
  const name = formatEndpoint(target);
  try {
    (await dialHere(target, defaultDeadlines.open)).destroy();
    say(
      well(
        'target',
        name,
        'something answers there, on this machine; whether the host may listen for it is not probed',
      ),
    );
  } catch (error) {
    say(wrong('target', name, Fault.from(error)));
  }
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
