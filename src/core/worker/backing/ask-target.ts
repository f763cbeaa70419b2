import type { HealthConfig } from '../../model/config.ts';
import { formatEndpoint } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import { probeHttp } from '../../probe/http.ts';
import { dialAlone } from '../../probe/probe.ts';
import { openTcp, shut } from '../../probe/tcp.ts';
import { adviseRefused } from '../../probe/refused-token.ts';
import { checkRefusal, heldOpen, kindOf } from '../../probe/token-check.ts';
import { probeWebsocket } from '../../probe/websocket.ts';
import type { Verify } from '../../probe/witness.ts';
import type { Channel, Link } from '../../ssh/link/link.ts';
import { askGuests, type GuestProbe } from './ask-guests.ts';
import type { BackendAsk } from './backing.ts';
import type { ReadyLocal } from '../clients/ready-forward.ts';

/** How long the dial of a target without a probe may take, ms. */
const unprobed = 10_000;

/** Who is asked about a target with each health check, beside the check itself; null: nobody. */
export interface Asked {
  /** How the backend that listens there shows that it is well. */
  readonly backend: BackendAsk | null;
  /** Asked over a connection that stands, whether that leads to the backend, and before a token goes there; null: nobody can say. */
  readonly verify: Verify | null;
  readonly guests: GuestProbe | null;
}

/**
 * Asks once whether a forward's target is well, which may take as long as its check's `timeout`. Resolves with the round trip, ms. Rejects with
 * what is wrong: BACKEND_FOREIGN where somebody else listens in the place of the backend, who then has seen no token.
 */
export async function askTarget(
  link: Link,
  { target, health }: ReadyLocal,
  { backend, verify, guests }: Asked,
  signal: AbortSignal,
): Promise<number> {
  const check = health?.kind === 'backend' ? asRecipeSays(health, backend) : health;
  const began = performance.now();
  const asks = check !== null && (check.kind === 'http' || check.kind === 'websocket');
  // Made before the look: whoever listened then has it, and the look says who that was.
  const stream = await openTcp(link, target, check?.timeout ?? unprobed, signal);
  const from = performance.now();
  const proved = verify === null ? null : await heldOpen(stream, verify(signal));
  const looked = performance.now() - from;
  if (asks) await inTime(check, from - began);
  const took = performance.now() - began - looked;
  const standing = asks ? null : stream;
  if (health === null || guests === null || signal.aborted) {
    if (standing !== null) shut(standing);
    return took;
  }
  const fault = await askGuests(guests, dial, { standing, proved, verify }, signal);
  if (fault !== null) throw fault;
  return took;

  function dial(): Promise<Channel> {
    return dialAlone(link, target);
  }

  async function inTime(check: HealthConfig, passed: number): Promise<void> {
    const over = new AbortController();
    const answer = check.kind === 'websocket' ? 'WebSocket answer' : 'answer';
    const text = `${formatEndpoint(target)} gave no ${answer} within ${check.timeout / 1000} s; look at the backend`;
    const timer = setTimeout(() => over.abort(new Fault('PROBE_FAILED', text)), check.timeout - passed);
    try {
      await probeOver(check, AbortSignal.any([signal, over.signal]));
    } finally {
      clearTimeout(timer);
    }
  }

  async function probeOver(check: HealthConfig, until: AbortSignal): Promise<void> {
    if (backend === null) await probe(check, null, until);
    else if (proved === true)
      await probe(check, { wire: backend.door.wire, token: backend.token }, until).catch((error: unknown) => {
        throw adviseRefused(error, backend.relay, backend.byHand);
      });
    else if (health?.kind === 'backend') {
      await checkRefusal(stream, backend.door, formatEndpoint(target), check.timeout, until);
    } else await unlessRefused(probe(check, null, until));
  }

  function probe(how: HealthConfig, shown: Parameters<typeof probeHttp>[4], until: AbortSignal): Promise<void> {
    return (how.kind === 'http' ? probeHttp : probeWebsocket)(async () => stream, target, how, until, shown);
  }
}

/** One that asks for the token, which it is not shown, is alive. */
async function unlessRefused(probed: Promise<void>): Promise<void> {
  try {
    await probed;
  } catch (error) {
    if (Fault.from(error).code !== 'TOKEN_MISSING') throw error;
  }
}

/** The check of a backend, once it is known how that is asked. */
function asRecipeSays(health: HealthConfig, backend: BackendAsk | null): HealthConfig {
  if (backend === null) return { ...health, kind: 'tcp' };
  return { ...health, path: backend.door.path, kind: kindOf(backend.door) };
}
