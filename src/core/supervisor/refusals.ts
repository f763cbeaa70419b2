import type { FaultReport } from '../model/fault.ts';

const period = 1_000;

interface Counted {
  readonly forward: number;
  readonly fault: FaultReport;
  count: number;
}

/** Tells of refused clients, each forward and reason apart, at most once a second: however many are refused. */
export class Refusals {
  readonly #say: (forward: number, fault: FaultReport, count: number) => void;
  readonly #counted = new Map<string, Counted>();
  #timer: NodeJS.Timeout | undefined;

  constructor(say: (forward: number, fault: FaultReport, count: number) => void) {
    this.#say = say;
  }

  add(forward: number, fault: FaultReport): void {
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
