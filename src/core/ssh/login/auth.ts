import type { AnyAuthMethod } from 'ssh2';
import type { Fault } from '../../model/fault.ts';
import { AgentIdentity, type Signing } from '../identity/agent-identity.ts';
import type { Ask } from '../../model/question.ts';
import type { Hop } from '../route.ts';
import { AskedLogin, type Proceed } from './asked-login.ts';
import { MethodChoice } from './method-choice.ts';

/** One login: the handler that ssh2 asks for the next method, and what came of it so far. */
export interface Auth {
  /** ssh2's `authHandler`. Never throws; false ends the login, undefined lets it wait for `proceed`, until a person has answered. */
  readonly handler: (methodsLeft: unknown, partial: unknown, proceed: Proceed) => AnyAuthMethod | false | undefined;
  /** What the server said to an attempt, before the handler is called: its own arguments are stale after a key of an agent. */
  readonly judged: (methodsLeft: readonly string[] | null, partial: boolean) => void;
  /** What was offered: type, fingerprint and source of each key. */
  readonly offered: readonly string[];
  /** The methods that the server would still take; null before it said so. */
  readonly methods: () => readonly string[] | null;
  /** True when the server accepted something and wants more, such as a one-time code. */
  readonly partial: () => boolean;
  /** How many answers of a person, or kept ones, the server was given since it last took something. */
  readonly answers: () => number;
  /** Why an agent gave no signature for a key that the server would have taken; null when there was no such key. */
  readonly unsigned: () => Fault | null;
  /** The socket of an agent that is being asked for a signature right now, or null. */
  readonly asking: () => string | null;
}

/** What a login needs beside its hop. */
export interface AuthPorts {
  /** Whoever hands it out ends the login with what it rejects with. */
  readonly ask: Ask;
  /** The login is over because of what the server does. */
  readonly fail: (fault: Fault) => void;
}

/**
 * Logs in by the host's methods in ssh's order: identities one by one, then what a person answers. As ssh it asks with `none` first, to
 * learn the methods: sshd does not count that, no key is shown to a server that takes none, and nobody is asked in vain. `signal` ends
 * what an agent is still signing, or a person still asked.
 */
export function createAuth(hop: Hop, ports: AuthPorts, signal: AbortSignal): Auth {
  const { identities, host } = hop;
  const { user } = host;
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
  const preferred = host.authMethods.filter((method) => method === 'publickey' || !host.batchMode);
  const choice = new MethodChoice(preferred);
  const asked = new AskedLogin(hop, { ...ports, signal });
  let learnt = false;
  const judged: Auth['judged'] = (methodsLeft, partialSuccess) => {
    methods = methodsLeft ?? methods;
    partial ||= partialSuccess;
    asked.judged(partialSuccess);
  };
  const handler: Auth['handler'] = (_methodsLeft, _partial, proceed) => {
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
  const offer = (): AnyAuthMethod | null => {
    const next = left.shift();
    if (next === undefined) return null;
    offered.push(
      `${next.key.type} ${next.fingerprint} (${next.kind === 'agent' ? `agent: ${next.comment}` : next.path})`,
    );
    if (next.kind === 'file') return { type: 'publickey', username: user, key: next.key };
    return { type: 'agent', username: user, agent: new AgentIdentity(next.socket, next.key, signing) };
  };
  return {
    handler,
    judged,
    offered,
    methods: () => methods,
    partial: () => partial,
    answers: () => asked.given,
    unsigned: () => unsigned,
    asking: () => asking,
  };
}
