import { callOutside } from '../../model/call-outside.ts';
import { printable } from '../../model/printable.ts';
import { type Attendant, Attendants } from './attendant.ts';
import type { Waiting } from './waiting-question.ts';

/** How long a person may take, ms: sshd's LoginGraceTime is the same, so that hardly any answer comes later in vain. */
const patience = 120_000;

/** What is heard of those who are there. */
export interface AudienceNews {
  /** A person has had a question before him for longer than he may take. */
  late(one: Waiting): void;
  /** Somebody is not there any more, for this relay or (null) for all. */
  left(relay: string | null): void;
  warned(relay: string, text: string): void;
}

/** Puts questions before those who are there to answer. One that fails is not there any more; nobody gets longer than he may take. */
export class Audience {
  /** Who is there, and what they have declined. */
  readonly attendants = new Attendants();
  readonly #patience: number;
  readonly #news: AudienceNews;

  /** `time`: how long a person may take, ms; null: as long as is usual. */
  constructor(time: number | null, news: AudienceNews) {
    this.#patience = time ?? patience;
    this.#news = news;
  }

  /** Its time begins anew. */
  put(one: Waiting, attendants: readonly Attendant[]): void {
    clearTimeout(one.timer);
    one.timer = setTimeout(() => this.#news.late(one), this.#patience);
    const { id, relay, question } = one;
    for (const attendant of attendants) this.#tell(attendant, one, () => attendant.asked({ id, relay, question }));
  }

  /** It waits no longer: those who have it before them hear so. */
  over(one: Waiting): void {
    clearTimeout(one.timer);
    const told = one.shown ? this.attendants.all(one) : [];
    for (const attendant of told) this.#tell(attendant, one, () => attendant.over(one.id));
  }

  /** False for one who has left already. */
  leave(attendant: Attendant): boolean {
    const relay = this.attendants.delete(attendant);
    if (relay === undefined) return false;
    this.#news.left(relay);
    return true;
  }

  #tell(attendant: Attendant, { relay }: Waiting, call: () => void): void {
    if (!this.attendants.has(attendant)) return;
    callOutside(call, (error) => {
      const why = printable(error instanceof Error ? error.message : String(error));
      const text = `whoever was to answer questions failed (${why}) and is asked no more; correct the program that started towline`;
      if (this.leave(attendant)) this.#news.warned(relay, text);
    });
  }
}
