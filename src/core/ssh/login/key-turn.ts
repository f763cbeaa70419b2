import type { KeyObject } from 'node:crypto';
import { Fault } from '../../model/fault.ts';
import { signWithAgent } from '../identity/agent.ts';
import { chooseAlgorithm, type ServerTraits } from '../identity/algorithm.ts';
import { forbidden } from '../identity/candidates.ts';
import type { Identity, Signer } from '../identity/identity.ts';
import { publicHalf } from '../identity/private-key.ts';
import type { PublicKey } from '../identity/public-key.ts';
import { signWithKey } from '../identity/sign.ts';
import type { HostConfig } from '../resolve/host-config.ts';
import type { KeyTurn } from './key-door.ts';
import { type KeyRequest, writeKeyLogin, writeKeyQuery, writeSigned } from './key-request.ts';
import type { Passphrases } from './passphrases.ts';

/** What a login lets its keys use, and hears of them. */
export interface KeyLogin {
  readonly host: HostConfig;
  readonly passphrases: Passphrases;
  /** The server is asked about this key. */
  readonly offered: (text: string) => void;
  /** This key is passed over without asking the server. */
  readonly skipped: (why: string) => void;
  /** The server would take this key, or nobody knows, and there is no signature. */
  readonly unsigned: (fault: Fault) => void;
  /** Nobody answered a question: the login is over. */
  readonly ended: (fault: Fault) => void;
  /** The agent at this socket is asked for a signature; null: it is done. Its user may have to confirm. */
  readonly asking: (socket: string | null) => void;
  /** Ends what is still being signed, and every question. */
  readonly signal: AbortSignal;
}

/** The turn of one identity, as ssh takes it: the server is asked first, and only for a key that it would take is there a signature. */
export class IdentityTurn implements KeyTurn {
  readonly #identity: Identity;
  readonly #login: KeyLogin;
  #pending: { readonly request: KeyRequest; readonly session: Buffer } | null = null;

  constructor(identity: Identity, login: KeyLogin) {
    this.#identity = identity;
    this.#login = login;
  }

  async first(server: ServerTraits): Promise<Buffer | null> {
    const { publicKey: told, source } = this.#identity;
    const { host, offered, skipped } = this.#login;
    const publicKey = told ?? (await this.#tell());
    if (publicKey === null) return null;
    const algorithm = chooseAlgorithm(publicKey.type, host.publicKeyAlgorithms, server);
    if (algorithm === null) {
      skipped(
        `${source} (${publicKey.type}) was not offered: the server takes no algorithm of PubkeyAcceptedAlgorithms for it`,
      );
      return null;
    }
    offered(`${publicKey.type} ${publicKey.fingerprint} (${source})`);
    const request = { user: host.user, algorithm, blob: publicKey.blob };
    this.#pending = { request, session: server.session };
    return told === null ? this.second() : writeKeyQuery(request);
  }

  async second(): Promise<Buffer | null> {
    if (this.#pending === null) return null;
    const { request, session } = this.#pending;
    // Once: a server that asks again and again would have the agent's user confirm again and again.
    this.#pending = null;
    const signature = await this.#sign(request.algorithm, writeSigned(request, session));
    return signature === null ? null : writeKeyLogin(request, signature);
  }

  /** The public key of a file that has to be opened for it. */
  async #tell(): Promise<PublicKey | null> {
    const { source, signer } = this.#identity;
    const key = await this.#open(signer);
    const publicKey = key === null ? null : publicHalf(key);
    if (key === null) return null;
    const why = publicKey === null ? 'is of a type that ssh does not know' : forbidden(publicKey, this.#login.host);
    if (why === null) return publicKey;
    this.#login.skipped(`${source} ${why}`);
    return null;
  }

  async #sign(algorithm: string, data: Buffer): Promise<Buffer | null> {
    const { publicKey, source, signer } = this.#identity;
    const { unsigned, asking, signal } = this.#login;
    try {
      if (signer.kind === 'agent') {
        asking(signer.socket);
        return await signWithAgent(signer.socket, { blob: signer.blob, algorithm }, data, signal);
      }
      const key = await this.#open(signer);
      if (key === null) return null;
      const plain = publicHalf(key)?.plain;
      if (publicKey === null || plain?.equals(publicKey.plain)) return await signWithKey(key, algorithm, data);
      const text = `the private key of ${source} is not that of its public key; write its .pub anew with \`ssh-keygen -y\``;
      unsigned(new Fault('IDENTITY_UNREADABLE', text));
    } catch (error) {
      unsigned(Fault.from(error));
    } finally {
      asking(null);
    }
    return null;
  }

  async #open(signer: Signer): Promise<KeyObject | null> {
    const { passphrases, unsigned, ended, signal } = this.#login;
    if (signer.kind === 'key') return signer.key;
    if (signer.kind === 'agent') return null;
    try {
      const about = this.#identity.publicKey?.fingerprint ?? signer.path;
      const key = await passphrases.open(signer, about, signal);
      if (!(key instanceof Fault)) return key;
      unsigned(key);
    } catch (error) {
      ended(Fault.from(error));
    }
    return null;
  }
}
