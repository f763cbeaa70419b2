import { type Contender, start, type StartOptions } from './contender.ts';
import type { ContenderName } from './figure.ts';
import type { Bench } from './section.ts';

/** The contenders of one section, all of them up at the same time, so that rounds can go round. */
export class Crew {
  readonly #bench: Bench;
  readonly #options: StartOptions;
  readonly #members = new Map<ContenderName, Contender>();
  readonly #notes: string[] = [];
  readonly #crashes = new Map<ContenderName, number>();

  constructor(bench: Bench, options: StartOptions = {}) {
    this.#bench = bench;
    this.#options = options;
  }

  /** The named contender, up: started at the first call, and started again when its process has died. */
  async member(name: ContenderName): Promise<Contender> {
    this.#bench.signal.throwIfAborted();
    const known = this.#members.get(name);
    if (known?.alive() === true) return known;
    if (known !== undefined) this.noteCrash(name);
    const started = await start(this.#bench.arena, name, this.#options);
    this.#members.set(name, started);
    return started;
  }

  /**
   * Lets each contender work in turn, round after round, so that a slow minute of the machine meets all of them.
   * One that cannot be started, or fails at its work, is told in the notes and left out from then on.
   */
  async rounds<T>(
    names: readonly ContenderName[],
    rounds: number,
    work: (contender: Contender, round: number) => Promise<T>,
  ): Promise<Map<ContenderName, T[]>> {
    const samples = new Map<ContenderName, T[]>(names.map((name) => [name, []]));
    const failed = new Set<ContenderName>();
    for (let round = 0; round < rounds; round += 1) {
      for (const name of names) {
        if (failed.has(name)) continue;
        try {
          samples.get(name)?.push(await work(await this.member(name), round));
        } catch (error) {
          this.#bench.signal.throwIfAborted();
          failed.add(name);
          this.#notes.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }
    return samples;
  }

  noteCrash(name: ContenderName): void {
    this.#members.delete(name);
    this.#crashes.set(name, (this.#crashes.get(name) ?? 0) + 1);
  }

  /** Ends one of them, so that the next call of `member` starts it afresh. */
  async dismiss(name: ContenderName): Promise<void> {
    const known = this.#members.get(name);
    this.#members.delete(name);
    await known?.stop();
  }

  async close(): Promise<void> {
    for (const name of [...this.#members.keys()]) await this.dismiss(name);
  }

  /** One sentence for each contender that crashed or failed. */
  notes(): string[] {
    const crashes = [...this.#crashes].map(([name, times]) => `${name}: its process ended by itself, ${times}x`);
    return [...this.#notes, ...crashes];
  }
}

/** Starts a crew, lets `work` use it, and ends it whatever happens. */
export async function withCrew<T>(
  bench: Bench,
  work: (crew: Crew) => Promise<T>,
  options: StartOptions = {},
): Promise<T> {
  const crew = new Crew(bench, options);
  try {
    return await work(crew);
  } finally {
    await crew.close();
  }
}
