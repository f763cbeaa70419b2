import type { BackendFacts, TokenDoor } from '../../model/backend.ts';
import { Fault, type FaultReport } from '../../model/fault.ts';
import type { Secret } from '../../model/secret.ts';

/** What a person, or a UI, needs to reach the backend of a relay. The token leaves this process only to who asks at the control socket. */
export interface TokenAnswer {
  /** Null: it has none, or nobody knows one. */
  readonly token: Secret | null;
  readonly backend: BackendFacts | null;
}

/** What whoever holds a token should know. */
export interface TokenWarning {
  readonly text: string;
  readonly fault?: FaultReport;
}

/** The one copy of a relay's token: as a person set it, or as the lane that launched or found the backend told it. */
export class RelayToken {
  readonly #relay: string;
  readonly #read: () => Promise<Secret | null>;
  readonly #warn: (warning: TokenWarning) => void;
  #given: Secret | null = null;
  #known: TokenAnswer = { token: null, backend: null };

  /** `read` gets what a person set, null: nothing. */
  constructor(relay: string, read: () => Promise<Secret | null>, warn: (warning: TokenWarning) => void) {
    this.#relay = relay;
    this.#read = read;
    this.#warn = warn;
  }

  /** What a person set, as it was when it was last looked for. */
  get given(): Secret | null {
    return this.#given;
  }

  get answer(): TokenAnswer {
    return { ...this.#known, token: this.#given ?? this.#known.token };
  }

  /** Looks for what a person set. Never rejects. */
  async look(): Promise<void> {
    const before = this.#given;
    try {
      this.#given = await this.#read();
    } catch (error) {
      this.#given = null;
      this.#fail(Fault.from(error));
    }
    // What was learned may be what was set then.
    if (before?.reveal() !== this.#given?.reveal()) this.#known = { ...this.#known, token: null };
  }

  /** What was learned is of another backend, perhaps on another host. */
  forget(): void {
    this.#known = { token: null, backend: null };
  }

  learned(backend: BackendFacts | null, token: Secret | null): void {
    const { backend: before, token: old } = this.#known;
    this.#known = { backend, token };
    const run = backend?.run ?? null;
    const set = this.#given !== null || old === null;
    if (set || run === null || old.reveal() === token?.reveal()) return;
    if (run !== before?.run) {
      if (token !== null && before !== null) this.#warn({ text: startedAnew(this.#relay, backend?.door ?? null) });
      return;
    }
    this.#fail(new Fault('TOKEN_CHANGED', changed(run)));
  }

  #fail(fault: Fault): void {
    this.#warn({ text: `${fault.message} [${fault.code}]`, fault: fault.report() });
  }
}

/** Not every address carries it. */
function startedAnew(relay: string, door: TokenDoor | null): string {
  const command = door === null || door.wire.in === 'header' ? 'token' : 'url';
  return `its backend was started anew, with another token; who had the old one gets the new one by \`towline ${command} ${relay}\``;
}

function changed(run: string): string {
  return `the backend (run ${run.slice(0, 8)}) has another token than before; who holds the old one must get it anew, and look at who changed it`;
}
