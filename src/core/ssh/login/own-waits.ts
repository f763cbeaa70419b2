import { Fault } from '../../model/fault.ts';
import type { Question } from '../../model/question.ts';
import { shellWord } from '../../model/shell-word.ts';
import { cutFault } from './question-faults.ts';
import type { StageClock } from './stage-clock.ts';

/** What one login waits for on our side, a person or a key that is being decrypted: it counts for no deadline, but the server may not wait. */
export class OwnWaits {
  readonly #where: string;
  readonly #clock: StageClock;
  #question: Question | null = null;
  #unanswered: Question | null = null;
  #key: string | null = null;

  /** `where`: the host, as faults name it. */
  constructor(where: string, clock: StageClock) {
    this.#where = where;
    this.#clock = clock;
  }

  /** What a person has not answered: not yet, or not at all. */
  get unanswered(): Question | null {
    return this.#unanswered ?? this.#question;
  }

  /** Waits for a person. Rejects with what `answer` does. */
  async answer<T>(question: Question, answer: Promise<T>): Promise<T> {
    this.#question = question;
    try {
      return await this.#clock.pause(answer);
    } catch (error) {
      this.#unanswered = question;
      throw error;
    } finally {
      if (this.#question === question) this.#question = null;
    }
  }

  /** Waits for a key file, by its escaped path: `ssh-keygen -a`, and who else decrypts now, decide how long. */
  async decrypt<T>(path: string, work: Promise<T>): Promise<T> {
    this.#key = path;
    try {
      return await this.#clock.pause(work);
    } finally {
      this.#key = null;
    }
  }

  /** Why the server has ended the login, where it would not wait; null where it had not to. */
  lastWords(): Fault | null {
    if (this.#question !== null) return cutFault(this.#question);
    if (this.#key === null) return null;
    const text = `${this.#where} ended the login while key ${this.#key} was being decrypted; load it into ssh-agent: \`ssh-add ${shellWord(this.#key)}\``;
    return new Fault('AUTH_TIMEOUT', text);
  }
}
