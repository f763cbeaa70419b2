import type { AnyAuthMethod } from 'ssh2';
import type { Fault } from '../../model/fault.ts';
import { AgentIdentity, type Signing } from '../identity/agent-identity.ts';
import type { Ask } from '../../model/question.ts';
import type { Hop } from '../route.ts';

/** One login: the handler that ssh2 asks for the next method, and what came of it so far. */
export interface Auth {
  /** ssh2's `authHandler`. Never throws; false ends the login. */
  readonly handler: (methodsLeft: readonly string[] | null, partial: boolean | null) => AnyAuthMethod | false;
  /** What was offered: type, fingerprint and source of each key. */
  readonly offered: readonly string[];
  /** The methods that the server would still take; null before it said so. */
  readonly methods: () => readonly string[] | null;
  /** True when the server accepted a key and wants more, such as a one-time code. */
  readonly partial: () => boolean;
  /** Why an agent gave no signature for a key that the server would have taken; null when there was no such key. */
  readonly unsigned: () => Fault | null;
  /** The socket of an agent that is being asked for a signature right now, or null. */
  readonly asking: () => string | null;
}

/**
 * Offers identities one by one as `user`. Without any it asks with `none`, which sshd does not count, to learn the methods. `signal`
 * ends what an agent is still signing.
 */
export function createAuth({ identities, host: { user } }: Hop, _ask: Ask, signal: AbortSignal): Auth {
  const offered: string[] = [];
  const left = [...identities];
  let methods: readonly string[] | null = null;
  let partial = false;
  let unsigned: Fault | null = null;
  let asking: string | null = null;
  const signing: Signing = {
    signal,
    asked: (socket) => {
      asking = socket;
    },
    answered: (fault) => {
      asking = null;
      unsigned = fault ?? unsigned;
    },
  };
  let asked = identities.length > 0;
  const handler: Auth['handler'] = (methodsLeft, partialSuccess) => {
    if (methodsLeft !== null) methods = methodsLeft;
    partial ||= partialSuccess === true;
    if (!asked) {
      asked = true;
      return { type: 'none', username: user };
    }
    const next = methods === null || methods.includes('publickey') ? left.shift() : undefined;
    if (next === undefined) return false;
    offered.push(
      `${next.key.type} ${next.fingerprint} (${next.kind === 'agent' ? `agent: ${next.comment}` : next.path})`,
    );
    if (next.kind === 'file') return { type: 'publickey', username: user, key: next.key };
    return { type: 'agent', username: user, agent: new AgentIdentity(next.socket, next.key, signing) };
  };
  return {
    handler,
    offered,
    methods: () => methods,
    partial: () => partial,
    unsigned: () => unsigned,
    asking: () => asking,
  };
}
