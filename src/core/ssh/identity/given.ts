import { Fault } from '../../model/fault.ts';
import type { Credential, LoginHost } from '../../model/plugin.ts';
import { type Ask, isReusable } from '../../model/question.ts';
import type { Secret } from '../../model/secret.ts';
import type { HostConfig } from '../resolve/host-config.ts';
import { askAgent } from './agent.ts';
import { forbidden } from './candidates.ts';
import { decryptKey } from './decrypt.ts';
import { type Identity, identityName, type LoadedIdentities } from './identity.ts';
import { parseKeyFile } from './key-file.ts';
import { publicHalf } from './private-key.ts';
import { readPublicKey } from './public-key.ts';
import type { KeyObject } from 'node:crypto';

/** Says how to log in to a host; undefined: nobody knows. Rejects with a fault. */
export type Identify = (host: LoginHost) => Promise<Credential | undefined>;

/** What a plugin gave for a host. */
export interface Given {
  readonly identities: readonly Identity[];
  readonly password: Secret | null;
  readonly notes: readonly string[];
}

export const nothingGiven: Given = { identities: [], password: null, notes: [] };

/** For people: where such an identity comes from. */
const source = 'given by a plugin';

/** Asks for the credential of one host of a route. Rejects with IDENTITY_UNREADABLE, with what the plugin said, or with the signal's reason. */
export async function givenFor(
  route: readonly HostConfig[],
  hop: number,
  identify: Identify,
  signal: AbortSignal,
): Promise<Given> {
  const host = route[hop];
  if (host === undefined) return nothingGiven;
  const { alias, user, hostName, port } = host;
  const credential = await identify({ alias, user, hostName, port, hop, last: hop === route.length - 1 });
  switch (credential?.kind) {
    case undefined:
      return nothingGiven;
    case 'password': {
      const note = `a plugin gave a password for ${alias}, and BatchMode there allows none; remove one of the two`;
      return { identities: [], password: credential.password, notes: host.batchMode ? [note] : [] };
    }
    case 'key': {
      const key = await openKey(credential, alias, signal);
      const publicKey = publicHalf(key);
      const why = publicKey === null ? 'is of a type that ssh does not know' : forbidden(publicKey, host);
      if (publicKey === null || why !== null) throw unreadable(alias, `the key ${why}`);
      return { ...nothingGiven, identities: [{ publicKey, source, signer: { kind: 'key', key } }] };
    }
    case 'agent':
      return agentKeys(credential.socket, host, signal);
  }
}

/** Given identities stand before a host's own; who is given one lacks none. */
export function beside(given: readonly Identity[], own: LoadedIdentities): LoadedIdentities {
  const names = given.map(identityName);
  const others = own.identities.filter((one) => !names.includes(identityName(one)));
  return { identities: [...given, ...others], notes: own.notes, lacking: null };
}

/** Answers the first question for a password by itself; where that was wrong, and for all else, a person is asked. */
export function answerWith(password: Secret, ask: Ask): Ask {
  return (question, signal) => {
    const fits = question.kind !== 'passphrase' && isReusable(question) && !question.again;
    return fits ? Promise.resolve([password.reveal()]) : ask(question, signal);
  };
}

async function openKey(
  { key, passphrase }: Extract<Credential, { kind: 'key' }>,
  alias: string,
  signal: AbortSignal,
): Promise<KeyObject> {
  const file = parseKeyFile(key.reveal());
  switch (file.kind) {
    case 'private':
      return file.key;
    case 'public':
      throw unreadable(alias, 'the key is a public one');
    case 'unusable':
      throw unreadable(alias, `the key ${file.why}`);
    case 'encrypted': {
      if (passphrase === undefined) throw unreadable(alias, 'the key is encrypted, and there is no passphrase with it');
      const opened = await decryptKey(file.text, passphrase.reveal(), signal);
      if (opened.kind === 'key') return opened.key;
      throw unreadable(alias, opened.kind === 'wrong' ? 'its passphrase is wrong' : `the key ${opened.why}`);
    }
  }
}

async function agentKeys(socket: string, host: HostConfig, signal: AbortSignal): Promise<Given> {
  const agent = await askAgent(socket, signal);
  if (agent.fault !== null) throw unreadable(host.alias, agent.fault.message, agent.fault);
  const identities = agent.keys.flatMap(({ blob }): readonly Identity[] => {
    const publicKey = readPublicKey(blob);
    if (publicKey === null || forbidden(publicKey, host) !== null) return [];
    return [{ publicKey, source: `agent ${source}`, signer: { kind: 'agent', socket, blob } }];
  });
  if (identities.length === 0) throw unreadable(host.alias, `its agent at ${socket} holds no key for it`);
  return { ...nothingGiven, identities };
}

function unreadable(alias: string, why: string, cause?: unknown): Fault {
  const text = `what a plugin gave to log in to ${alias} cannot be used: ${why}; look at its options`;
  return new Fault('IDENTITY_UNREADABLE', text, { cause, detail: { host: alias } });
}
