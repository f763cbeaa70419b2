import type { ParsedKey } from 'ssh2';
import type { Fault } from '../../model/fault.ts';
import { wrapTurn } from './key-door.ts';
import type { Hop } from '../route.ts';
import { IdentityTurn, type KeyLogin } from './key-turn.ts';
import { type PassphraseOptions, Passphrases } from './passphrases.ts';

/** What the keys of a login need beside their hop. */
export type KeyPorts = Pick<PassphraseOptions, 'ask' | 'decrypting'>;

/** One login's public keys, and what came of them so far. */
export interface PublicKeys {
  /** The next identity in the form that ssh2 takes; null when none is left. */
  readonly next: () => ParsedKey | null;
  /** What the server was asked about: type, fingerprint and source of each. */
  readonly offered: readonly string[];
  /** Those of them whose turn is over: the server did not take them. */
  readonly rejected: () => readonly string[];
  /** A sentence for each identity that was passed over without asking the server. */
  readonly skipped: readonly string[];
  /** Why the login must end, whatever is left: a question that nobody answered; null while there is none. */
  readonly ended: () => Fault | null;
  /** Why there was no signature for a key that the server would have taken; null when there was no such key. */
  readonly unsigned: () => Fault | null;
  /** Those of the offered ones for which there was no signature. */
  readonly unsignedKeys: ReadonlySet<string>;
  /** The socket of an agent that is being asked for a signature right now, or null. */
  readonly asking: () => string | null;
}

/** Takes a host's identities one by one. `signal` ends what an agent is still signing, and every question. */
export function createPublicKeys({ identities, host, where }: Hop, ports: KeyPorts, signal: AbortSignal): PublicKeys {
  const left = [...identities];
  const offered: string[] = [];
  const skipped: string[] = [];
  const unsignedKeys = new Set<string>();
  let over = 0;
  let ended: Fault | null = null;
  let unsigned: Fault | null = null;
  let asking: string | null = null;
  // A key that had to be opened before the server could be asked about it is not among the offered ones.
  const lack = () => {
    const current = offered.slice(over).at(-1);
    if (current !== undefined) unsignedKeys.add(current);
  };
  const login: KeyLogin = {
    host,
    passphrases: new Passphrases({ ...ports, where, tries: host.passwordPrompts }),
    offered: (text) => offered.push(text),
    skipped: (why) => skipped.push(why),
    unsigned: (fault) => {
      unsigned = fault;
      lack();
    },
    ended: (fault) => {
      ended ??= fault;
      lack();
    },
    asking: (socket) => {
      asking = socket;
    },
    signal,
  };
  return {
    next: () => {
      over = offered.length;
      const identity = ended === null ? left.shift() : undefined;
      return identity === undefined ? null : wrapTurn(new IdentityTurn(identity, login));
    },
    offered,
    rejected: () => offered.slice(0, over),
    skipped,
    ended: () => ended,
    unsigned: () => unsigned,
    unsignedKeys,
    asking: () => asking,
  };
}
