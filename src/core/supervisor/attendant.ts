import type { Question } from '../model/question.ts';

/** Somebody who can answer questions: a terminal, or `towline unlock`. */
export interface Attendant {
  /** A question waits; it may be told twice. Whoever of several answers first is heard. */
  asked(question: AskedQuestion): void;
  /** It waits no longer: it was answered, came too late, or is not wanted any more. */
  over(id: number): void;
}

/** A question with the number under which it is answered. */
export interface AskedQuestion {
  readonly id: number;
  readonly relay: string;
  readonly question: Question;
}

/**
 * Those who are there to answer: who came for one relay, else who is there for all. What the latter would not answer is not put to them
 * again before a user asks for it.
 */
export class Attendants {
  readonly #all = new Map<Attendant, string | null>();
  readonly #declined = new Map<string, Set<string>>();

  add(attendant: Attendant, relay: string | null): void {
    this.#all.set(attendant, relay);
    if (relay !== null) this.renew(relay);
  }

  delete(attendant: Attendant): void {
    this.#all.delete(attendant);
  }

  /** To whom a question is put. */
  of(one: AskedQuestion): readonly Attendant[] {
    const called = this.#for(one.relay);
    if (called.length > 0) return called;
    return this.hasDeclined(one) ? [] : this.#for(null);
  }

  /** Everybody to whom it may have been put. */
  all({ relay }: AskedQuestion): readonly Attendant[] {
    return [...this.#for(relay), ...this.#for(null)];
  }

  decline({ relay, question }: AskedQuestion): void {
    const declined = this.#declined.get(relay) ?? new Set();
    this.#declined.set(relay, declined.add(question.about));
  }

  hasDeclined({ relay, question }: AskedQuestion): boolean {
    return this.#declined.get(relay)?.has(question.about) === true;
  }

  /** A user wants this relay to go on: what was declined may be asked anew. */
  renew(relay: string): void {
    this.#declined.delete(relay);
  }

  #for(relay: string | null): readonly Attendant[] {
    return [...this.#all].flatMap(([one, whose]) => (whose === relay ? [one] : []));
  }
}
