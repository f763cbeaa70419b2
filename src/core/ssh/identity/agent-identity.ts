import { BaseAgent, type IdentityCallback, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';
import { Fault } from '../../model/fault.ts';
import { signWithAgent } from './agent.ts';

/** One login's use of an agent. */
export interface Signing {
  /** Ends what is still being signed. */
  readonly signal: AbortSignal;
  /** The agent at this socket is asked for a signature; its user may have to confirm. */
  readonly asked: (socket: string) => void;
  /** It answered (null), or there was no signature. */
  readonly answered: (fault: Fault | null) => void;
}

/** One key of an agent, in the form in which ssh2 takes an agent: so that each key is offered when its turn comes. */
export class AgentIdentity extends BaseAgent<ParsedKey> {
  readonly #socket: string;
  readonly #key: ParsedKey;
  readonly #signing: Signing;

  constructor(socket: string, key: ParsedKey, signing: Signing) {
    super();
    this.#signing = signing;
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
    const { signal, asked, answered } = this.#signing;
    const settle = (fault: Fault | null, signature?: Buffer) => {
      answered(fault);
      try {
        if (fault === null) done?.(undefined, signature);
        else done?.(fault);
      } catch {
        // ssh2 throws where the connection ended meanwhile: whoever waits for it has heard of that.
      }
    };
    asked(this.#socket);
    signWithAgent(this.#socket, { blob, algorithm: this.#algorithm(hash) }, data, signal).then(
      (signature) => {
        // ssh2 takes a signature that does not begin with a zero for ASN.1, and throws where it is not.
        if (!this.#key.type.startsWith('ecdsa-') || signature[0] === 0) return settle(null, signature);
        const text = `the ssh-agent at "${this.#socket}" gave a signature that is none; restart it`;
        settle(new Fault('AGENT_UNREACHABLE', text));
      },
      (error: unknown) => settle(Fault.from(error)),
    );
  }

  #algorithm(hash: string | undefined): string {
    if (this.#key.type !== 'ssh-rsa') return this.#key.type;
    return hash === 'sha256' || hash === 'sha512' ? `rsa-sha2-${hash.slice(3)}` : 'ssh-rsa';
  }
}
