import type { BackendFacts } from '../model/backend.ts';
import type { Secret } from '../model/secret.ts';

/** What a person, or a UI, needs to reach the backend of a relay. The token leaves this process only to who asks at the control socket. */
export interface TokenAnswer {
  /** Null: it has none, or nobody knows one. */
  readonly token: Secret | null;
  readonly backend: BackendFacts | null;
}

/** The one copy of a relay's token, as the lane that launched or found the backend told it. */
export class RelayToken {
  readonly #warn: (text: string) => void;
  #known: TokenAnswer = { token: null, backend: null };

  /** `warn`: the same run of the backend has another token than before. */
  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  get answer(): TokenAnswer {
    return this.#known;
  }

  learned(backend: BackendFacts | null, token: Secret | null): void {
    const { backend: before, token: old } = this.#known;
    this.#known = { backend, token };
    const run = backend?.run ?? null;
    if (run === null || run !== before?.run || old?.reveal() === token?.reveal()) return;
    this.#warn(`the backend (${run}) has another token than before; who holds the old one must get it anew`);
  }
}
