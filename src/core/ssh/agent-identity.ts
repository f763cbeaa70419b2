import { BaseAgent, type IdentityCallback, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';
import { Fault } from '../model/fault.ts';
import { signWithAgent } from './agent.ts';

/** One key of an agent, in the form in which ssh2 takes an agent: so that each key is offered when its turn comes. */
export class AgentIdentity extends BaseAgent<ParsedKey> {
  readonly #socket: string;
  readonly #key: ParsedKey;

  constructor(socket: string, key: ParsedKey) {
    super();
    this.#socket = socket;
    this.#key = key;
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    callback(undefined, [this.#key]);
  }

  override sign(
    _key: ParsedKey,
    data: Buffer,
    optionsOrCallback: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof optionsOrCallback === 'function' ? optionsOrCallback : callback;
    const hash = typeof optionsOrCallback === 'function' ? undefined : optionsOrCallback.hash;
    const blob = this.#key.getPublicSSH();
    signWithAgent(this.#socket, { blob, algorithm: this.#algorithm(hash) }, data)
      .then((signature) => {
        // ssh2 takes a signature that does not begin with a zero for ASN.1, and throws where it is not.
        if (this.#key.type.startsWith('ecdsa-') && signature[0] !== 0) {
          throw new Fault(
            'AGENT_UNREACHABLE',
            `the ssh-agent at "${this.#socket}" gave a signature that is none; restart it`,
          );
        }
        done?.(undefined, signature);
      })
      // A throw of ssh2's own, when the connection ended meanwhile, comes here as well: it must not end the process.
      .catch((error: unknown) => done?.(Fault.from(error)));
  }

  #algorithm(hash: string | undefined): string {
    if (this.#key.type !== 'ssh-rsa') return this.#key.type;
    return hash === 'sha256' || hash === 'sha512' ? `rsa-sha2-${hash.slice(3)}` : 'ssh-rsa';
  }
}
