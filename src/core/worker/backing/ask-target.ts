import type { Duplex } from 'node:stream';
import type { HealthConfig } from '../../model/config.ts';
import { formatEndpoint } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import type { Dial } from '../../model/plugin.ts';
import { probeHttp } from '../../probe/http.ts';
import { dialAlone } from '../../probe/probe.ts';
import { probeTcp } from '../../probe/tcp.ts';
import { adviseRefused } from '../../probe/refused-token.ts';
import { checkRefusal, heldOpen, kindOf } from '../../probe/token-check.ts';
import { probeWebsocket } from '../../probe/websocket.ts';
import type { Link } from '../../ssh/link/link.ts';
import type { BackendAsk } from './backing.ts';
import type { ReadyLocal } from '../clients/ready-forward.ts';
import type { Verify } from './witness.ts';

/** How long the dial of a target without a probe may take, ms. */
const unprobed = 10_000;

/**
 * What plugins say of the target, by connections of their own; null: it is theirs, and well. `mayShow`: the token may go over them. Never
 * rejects.
 */
export type GuestProbe = (dial: Dial, mayShow: boolean) => Promise<Fault | null>;

/** Who is asked about a target with each health check, beside the check itself; null: nobody. */
export interface Asked {
  /** How the backend that listens there shows that it is well. */
  readonly backend: BackendAsk | null;
  /** Asked before a token goes there. */
  readonly verify: Verify | null;
  readonly guests: GuestProbe | null;
}

/**
 * Asks once whether a forward's target is well. Resolves with the round trip, ms. Rejects with what is wrong: BACKEND_FOREIGN where somebody
 * else listens in the place of the backend, who then has seen no token.
 */
export async function askTarget(
  link: Link,
  { target, health }: ReadyLocal,
  { backend, verify, guests }: Asked,
  signal: AbortSignal,
): Promise<number> {
  const dial = () => dialAlone(link, target);
  const check = health?.kind === 'backend' ? asRecipeSays(health, backend) : health;
  const began = performance.now();
  let looked = 0;
  let proved: boolean | null = null;
  if (check === null || (check.kind !== 'http' && check.kind !== 'websocket')) {
    await probeTcp(link, target, check?.timeout ?? unprobed, signal);
  } else if (backend === null) await probe(dial, check, null);
  else {
    // Made before the look: whoever listened then has it, and the look says who that was.
    const stream = await dial();
    const from = performance.now();
    proved = verify !== null && (await heldOpen(stream, verify(signal)));
    looked = performance.now() - from;
    if (proved)
      await probe(async () => stream, check, { wire: backend.door.wire, token: backend.token }).catch(
        (error: unknown) => {
          throw adviseRefused(error, backend.relay, backend.byHand);
        },
      );
    else if (health?.kind === 'backend') {
      await checkRefusal(stream, backend.door, formatEndpoint(target), check.timeout, signal);
    } else await unlessRefused(probe(async () => stream, check, null));
  }
  const took = performance.now() - began - looked;
  if (health === null || guests === null || signal.aborted) return took;
  const fault = await guests(dial, proved ?? (verify === null || (await verify(signal))));
  if (fault !== null) throw fault;
  return took;

  function probe(
    over: () => Promise<Duplex>,
    how: HealthConfig,
    shown: Parameters<typeof probeHttp>[4],
  ): Promise<void> {
    return (how.kind === 'http' ? probeHttp : probeWebsocket)(over, target, how, signal, shown);
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
