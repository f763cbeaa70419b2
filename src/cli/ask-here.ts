import type { AskedQuestion, Attendant } from '../core/supervisor/logins/attendant.ts';
import type { Daemon } from '../daemon.ts';
import { mayAskHere } from './may-ask-here.ts';
import type { Prompter } from './prompter.ts';

/** What the one who asks here needs, once it is there. */
export interface AskHerePorts {
  readonly questions: Pick<Daemon['questions'], 'answer' | 'decline'>;
  /** Clears the screen for a question; the returned function gives it back. */
  readonly pause: () => () => void;
}

/** Asks on the terminal of a daemon that runs in the foreground, one question after the other. */
export class AskHere implements Attendant {
  readonly #prompter: Prompter;
  readonly #queue: AskedQuestion[] = [];
  #ports: AskHerePorts | null = null;
  #now: { readonly id: number; readonly over: AbortController } | null = null;

  constructor(prompter: Prompter) {
    this.#prompter = prompter;
  }

  /** Begins to ask: what came before has waited. */
  begin(ports: AskHerePorts): void {
    this.#ports = ports;
    void this.#next();
  }

  asked(question: AskedQuestion): void {
    if (this.#now?.id === question.id || this.#queue.some(({ id }) => id === question.id)) return;
    this.#queue.push(question);
    void this.#next();
  }

  over(id: number): void {
    const at = this.#queue.findIndex((one) => one.id === id);
    if (at >= 0) this.#queue.splice(at, 1);
    if (this.#now?.id === id) this.#now.over.abort();
  }

  async #next(): Promise<void> {
    if (this.#ports === null || this.#now !== null) return;
    const one = this.#queue.shift();
    if (one === undefined) return;
    const { questions, pause } = this.#ports;
    const over = new AbortController();
    this.#now = { id: one.id, over };
    const resume = pause();
    // A job in the background would be stopped by its terminal, and all its relays with it.
    const answers = mayAskHere() ? await this.#prompter.ask(one.relay, one.question, over.signal) : null;
    resume();
    if (!over.signal.aborted) {
      if (answers === null) questions.decline(one.id);
      else questions.answer(one.id, answers);
    }
    this.#now = null;
    void this.#next();
  }
}
