import type { Question } from '../core/model/question.ts';

/** Of which repeated questions a person is told that the answer was wrong. */
export class Repeats {
  readonly #told = new Map<string, string>();

  /**
   * Whether it is to be said of this question. A server that asks in rounds judges them together and begins anew: it is said once, above the
   * first one, for else the password that was just given would be called wrong in the place of the code.
   */
  tell(relay: string, { again, about }: Pick<Question, 'again' | 'about'>): boolean {
    const told = this.#told.get(relay);
    if (!again) this.#told.delete(relay);
    else if (told === undefined || told === about) this.#told.set(relay, about);
    return again && (told === undefined || told === about);
  }
}
