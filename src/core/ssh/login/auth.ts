import type { AnyAuthMethod } from 'ssh2';
import type { Ask } from '../../model/question.ts';
import type { Hop } from '../route.ts';
import { createPublicKeys, type PublicKeys } from './public-keys.ts';

/** One login: the handler that ssh2 asks for the next method, and what came of it so far. */
export interface Auth extends Omit<PublicKeys, 'next'> {
  /** ssh2's `authHandler`. Never throws; false ends the login. */
  readonly handler: (methodsLeft: readonly string[] | null, partial: boolean | null) => AnyAuthMethod | false;
  /** The methods that the server would still take; null before it said so. */
  readonly methods: () => readonly string[] | null;
  /** True when the server accepted a key and wants more, such as a one-time code. */
  readonly partial: () => boolean;
}

/**
 * Offers identities one by one as the host's user. Without any it asks with `none`, which sshd does not count, to learn the methods.
 * `signal` ends what an agent is still signing, and every question.
 */
export function createAuth(hop: Hop, ask: Ask, signal: AbortSignal): Auth {
  const { next, ...keys } = createPublicKeys(hop, ask, signal);
  const username = hop.host.user;
  let methods: readonly string[] | null = null;
  let partial = false;
  let asked = hop.identities.length > 0;
  const handler: Auth['handler'] = (methodsLeft, partialSuccess) => {
    if (methodsLeft !== null) methods = methodsLeft;
    partial ||= partialSuccess === true;
    if (!asked) {
      asked = true;
      return { type: 'none', username };
    }
    const key = methods === null || methods.includes('publickey') ? next() : null;
    return key === null ? false : { type: 'publickey', username, key };
  };
  return { ...keys, handler, methods: () => methods, partial: () => partial };
}
