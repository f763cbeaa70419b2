import { isReusable, type Question } from '../../model/question.ts';

/** Somebody who can answer questions: a terminal, or `towline unlock`. One that throws is asked no more, and the relay is warned. */
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

/** So many declined answers are remembered at most: the prompts among their names are the servers' words. */
const mostDeclined = 1_000;

/**
 * Those who are there to answer: who came for one relay, else who is there for all. What the latter would not answer is not put to them
 * again before a user asks for it, also not for another relay that needs the same answer.
 */
export class Attendants {
  readonly #all = new Map<Attendant, string | null>();
  /** When each answer was declined, and when a user last wanted a relay to go on: numbers in the order of what happened. */
  readonly #declined = new Map<string, number>();
  readonly #renewed = new Map<string, number>();
  #last = 0;

  add(attendant: Attendant, relay: string | null): void {
    this.#all.set(attendant, relay);
    if (relay !== null) this.renew(relay);
  }

  /** For which relay he was there, or null: for all; undefined where he was not. */
  delete(attendant: Attendant): string | null | undefined {
    const relay = this.#all.get(attendant);
    this.#all.delete(attendant);
    return relay;
  }

  has(attendant: Attendant): boolean {
    return this.#all.has(attendant);
  }

  /** To whom a question is put. */
  of(one: AskedQuestion): readonly Attendant[] {
    const called = this.#for(one.relay);
    if (called.length > 0) return called;
    return this.hasDeclined(one) ? [] : this.#for(null);
  }

  /** Whether somebody is there for this relay, or for all. */
  there(relay: string): boolean {
    return this.#for(relay).length > 0 || this.#for(null).length > 0;
  }

  /** Everybody to whom it may have been put. */
  all({ relay }: AskedQuestion): readonly Attendant[] {
    return [...this.#for(relay), ...this.#for(null)];
  }

  decline(one: AskedQuestion): void {
    this.#last += 1;
    const wanted = wantedBy(one);
    // The oldest stands first.
    this.#declined.delete(wanted);
    this.#declined.set(wanted, this.#last);
    for (const oldest of this.#declined.keys()) {
      if (this.#declined.size <= mostDeclined) break;
      this.#declined.delete(oldest);
    }
  }

  hasDeclined(one: AskedQuestion): boolean {
    return (this.#declined.get(wantedBy(one)) ?? 0) > (this.#renewed.get(one.relay) ?? 0);
  }

  /** A user wants this relay to go on: what was declined may be asked anew. */
  renew(relay: string): void {
    this.#last += 1;
    this.#renewed.set(relay, this.#last);
    for (const wanted of this.#declined.keys()) if (wanted.startsWith(`${relay} `)) this.#declined.delete(wanted);
  }

  #for(relay: string | null): readonly Attendant[] {
    return [...this.#all].flatMap(([one, whose]) => (whose === relay ? [one] : []));
  }
}

/**
 * What is declined: an answer for all that it would serve; a code, which serves one login, for its relay and host, whatever the prompt:
 * a challenge is worded anew each time.
 */
function wantedBy({ relay, question }: AskedQuestion): string {
  // No name of a relay is empty.
  return isReusable(question) ? ` ${question.about}` : `${relay} ${question.where}`;
}
