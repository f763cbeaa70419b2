import { Fault } from '../../model/fault.ts';
import { fingerprint } from '../identity/fingerprint.ts';
import type { HostKeyJudgement } from '../known-hosts/host-key.ts';
import { acceptNew } from '../known-hosts/learn-host-key.ts';
import { unprovedFault } from './shake-faults.ts';
import type { Hop } from '../route.ts';

/** One connection's host key: judged once, compared at each rekey, and written down where it is new. */
export class HostKeyGate {
  readonly #hop: Hop;
  readonly #judge: (hop: Hop, key: Buffer) => HostKeyJudgement;
  readonly #proves: () => boolean;
  #accepted: Buffer | null = null;
  #refusal: Fault | null = null;
  #isNew = false;
  #learning: Promise<void> | null = null;

  /** `proves`: whether the server has signed with the key that is being judged; it may end the attempt. */
  constructor(hop: Hop, judge: (hop: Hop, key: Buffer) => HostKeyJudgement, proves: () => boolean) {
    this.#hop = hop;
    this.#judge = judge;
    this.#proves = proves;
  }

  /** In its wire form; null before one was accepted. */
  get accepted(): Buffer | null {
    return this.#accepted;
  }

  /** Its fingerprint; empty before one was accepted. */
  get fingerprint(): string {
    return this.#accepted === null ? '' : fingerprint(this.#accepted);
  }

  /** Why its key is not taken; while nobody knows whether it is the server's own: that it was not proved. */
  get refusal(): Fault | null {
    return this.#refusal;
  }

  /** True when no file knew the key, and it was accepted all the same. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** While a new key is written down nobody logs in: it may turn out to be none to be accepted. */
  get learning(): Promise<void> | null {
    return this.#learning;
  }

  /**
   * Synchronous and strictly boolean: anything but a literal false accepts, and a late answer breaks a rekey (ssh2). Undefined, where ssh2
   * has given up meanwhile, is no answer: it must not get there.
   */
  readonly verify = (key: Buffer): boolean | undefined => {
    if (this.#accepted !== null) return this.#accepted.equals(key);
    const judged = this.#judge(this.#hop, key);
    if (judged instanceof Fault) {
      // One flipped bit on the way is another key as well: only a signature by that key says that someone has it.
      this.#refusal = unprovedFault(this.#hop.where, key);
      if (!this.#proves()) return undefined;
      this.#refusal = judged;
      return false;
    }
    this.#isNew = judged === 'learn';
    this.#accepted = Buffer.from(key);
    return true;
  };

  /** The server has proved that the key is its own: what a mere copy of a key shows is not written down before that. */
  proved(onNote: (text: string) => void, onFault: (fault: Fault) => void, signal: AbortSignal): void {
    if (!this.#isNew || this.#accepted === null) return;
    this.#learning = acceptNew(this.#hop, this.#accepted, signal).then((note) => {
      this.#learning = null;
      if (note !== null && !signal.aborted) onNote(note);
    });
    this.#learning.catch((error: unknown) => onFault(Fault.from(error)));
  }
}
