import type { AnyAuthMethod } from 'ssh2';
import type { Fault } from '../../model/fault.ts';
import type { Ask } from '../../model/question.ts';
import type { Hop } from '../route.ts';
import { AskedLogin, type Proceed } from './asked-login.ts';
import { MethodChoice } from './method-choice.ts';
import { createPublicKeys, type KeyPorts, type PublicKeys } from './public-keys.ts';

/** One login: the handler that ssh2 asks for the next method, and what came of it so far. */
export interface Auth extends Omit<PublicKeys, 'next'> {
  /** ssh2's `authHandler`. Never throws; false ends the login, undefined lets it wait for `proceed`, until a person has answered. */
  readonly handler: (methodsLeft: unknown, partial: unknown, proceed: Proceed) => AnyAuthMethod | false | undefined;
  /** What the server said to an attempt, before the handler is called. */
  readonly judged: (methodsLeft: readonly string[] | null, partial: boolean) => void;
  /** The methods that the server would still take; null before it said so. */
  readonly methods: () => readonly string[] | null;
  /** True when the server accepted something and wants more, such as a one-time code. */
  readonly partial: () => boolean;
  /** How many answers of a person, or kept ones, the server was given since it last took something. */
  readonly answers: () => number;
}

/** What a login needs beside its hop. */
export interface AuthPorts extends KeyPorts {
  /** Whoever hands it out ends the login with what it rejects with. */
  readonly ask: Ask;
  /** The login is over because of what the server does. */
  readonly fail: (fault: Fault) => void;
  /** So many wrong answers the server may be given. */
  readonly spare: number;
}

/**
 * Logs in by the host's methods in ssh's order: identities one by one, then what a person answers. As ssh it asks with `none` first, to
 * learn the methods: sshd does not count that, no key is shown to a server that takes none, and nobody is asked in vain. `signal` ends
 * what an agent is still signing, or a person still asked.
 */
export function createAuth(hop: Hop, ports: AuthPorts, signal: AbortSignal): Auth {
  const { host } = hop;
  const { user } = host;
  const { next, ...keys } = createPublicKeys(hop, ports, signal);
  let methods: readonly string[] | null = null;
  let partial = false;
  const preferred = host.authMethods.filter((method) => method === 'publickey' || !host.batchMode);
  const choice = new MethodChoice(preferred);
  const asked = new AskedLogin(hop, { ...ports, signal });
  let learnt = false;
  const judged: Auth['judged'] = (methodsLeft, partialSuccess) => {
    methods = methodsLeft ?? methods;
    partial ||= partialSuccess;
    asked.judged(partialSuccess);
  };
  const offer = (): AnyAuthMethod | null => {
    const key = next();
    return key === null ? null : { type: 'publickey', username: user, key };
  };
  const handler: Auth['handler'] = (_methodsLeft, _partial, proceed) => {
    if (keys.ended() !== null) return false;
    if (!learnt) {
      learnt = true;
      return { type: 'none', username: user };
    }
    for (let method = choice.next(methods); method !== null; method = choice.next(methods)) {
      if (method === 'password' && asked.password(proceed)) return undefined;
      const attempt = method === 'publickey' ? offer() : method === 'keyboard-interactive' ? asked.interaction() : null;
      if (attempt !== null) return attempt;
      choice.exhaust(method);
    }
    return false;
  };
  return {
    ...keys,
    handler,
    judged,
    methods: () => methods,
    partial: () => partial,
    answers: () => asked.given,
  };
}
