import type { FaultCode } from '../../model/fault-table.ts';
import type { FaultReport } from '../../model/fault.ts';
import type { RefusedBy } from '../../model/status.ts';

const period = 1_000;

interface Counted {
  readonly forward: number | null;
  readonly fault: FaultReport;
  count: number;
}

/** Counts refused clients by reason, and tells of them, each forward and reason apart, at most once a second: however many are refused. */
export class Refusals {
  readonly #say: (forward: number | null, fault: FaultReport, count: number) => void;
  readonly #counted = new Map<string, Counted>();
  readonly #codes = new Map<FaultCode, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(say: (forward: number | null, fault: FaultReport, count: number) => void) {
    this.#say = say;
  }

  /** How many there were since the relay was declared, and why. */
  get counts(): { readonly refused: number; readonly refusedBy: RefusedBy } {
    const counts = [...this.#codes];
    return {
      refused: counts.reduce((sum, [, count]) => sum + count, 0),
      refusedBy: Object.fromEntries(counts),
    };
  }

  /** `forward`: null where it is not in the config any more. */
  add(forward: number | null, fault: FaultReport): void {
    this.#codes.set(fault.code, (this.#codes.get(fault.code) ?? 0) + 1);
    const key = `${forward} ${fault.code}`;
    const known = this.#counted.get(key);
    if (known !== undefined) known.count += 1;
    else {
      this.#counted.set(key, { forward, fault, count: 0 });
      this.#say(forward, fault, 1);
    }
    this.#timer ??= setTimeout(() => this.flush(), period).unref();
  }

  /** Tells what is counted and not told yet. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const told = [...this.#counted.values()];
    this.#counted.clear();
    for (const { forward, fault, count } of told) if (count > 0) this.#say(forward, fault, count);
  }
}
