import type { Fact } from '../../model/event.ts';
import { Fault, type FaultReport } from '../../model/fault.ts';
import { isReusable } from '../../model/question.ts';
import type { Secret } from '../../model/secret.ts';
import type { LaneId, ToSupervisor } from '../../protocol.ts';
import { Askpass, findAskpass } from './askpass.ts';
import type { Attendant, Attendants } from './attendant.ts';
import { Audience } from './audience.ts';
import { KeptAnswers, keptFor, type Outcome, outcomeOf } from './kept-answers.ts';
import { relayOf, type Source, type Waiting, waitingQuestion, type Why } from './waiting-question.ts';
import type { WorkerKeeper } from '../workers/worker-keeper.ts';

/** What the questions need of the supervisor. */
export interface QuestionsPorts {
  readonly fact: (fact: Fact) => void;
  /** A lane's handshake waits for a person, or goes on. */
  readonly pause: (keeper: WorkerKeeper, lane: LaneId, waits: boolean) => void;
  /** Lanes that are blocked because of this question may try again. */
  readonly answered: (about: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long a person may take, ms; sshd's LoginGraceTime unless given. */
  readonly patience?: number;
}

/**
 * The questions of all workers: answered from memory, by a person who is there, by the askpass program, or at once by nobody. No worker
 * waits for a person who is not there, or for longer than he may take.
 */
export class Questions {
  readonly #ports: QuestionsPorts;
  readonly #kept = new KeptAnswers();
  readonly #audience: Audience;
  readonly #attendants: Attendants;
  readonly #askpass = new Askpass();
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(ports: QuestionsPorts) {
    this.#ports = ports;
    this.#audience = new Audience(ports.patience ?? null, {
      late: (one) => this.#refuse(one, 'late'),
      left: (relay) => this.#left(relay),
      warned: (relay, text) => ports.fact({ type: 'relay.warned', relay, text }),
    });
    this.#attendants = this.#audience.attendants;
  }

  /** Answers with `answer`, now or later. */
  ask(keeper: WorkerKeeper, { request, by: lane, question }: Extract<ToSupervisor, { say: 'ask' }>): void {
    this.#last += 1;
    const one = waitingQuestion(this.#last, keeper, request, lane, question);
    if (question.again) this.#kept.wrong(question.about, lane);
    this.#waiting.set(one.id, one);
    this.#serve(one);
    if (this.#waiting.has(one.id)) this.#ports.pause(keeper, lane, true);
  }

  /** Its worker does not want an answer any more. */
  withdraw(keeper: WorkerKeeper, request: number): void {
    for (const one of [...this.#waiting.values()]) {
      if (one.keeper === keeper && one.request === request) this.#end(one, null, 'withdrawn');
    }
  }

  /** A handshake is over, and with it the trial of what it was handed. */
  shaken(keeper: WorkerKeeper, lane: LaneId, fault: FaultReport | 'cancelled' | null): void {
    this.#judge(keeper, lane, outcomeOf(fault));
  }

  /** A worker is dead: nobody waits there. */
  gone(keeper: WorkerKeeper): void {
    for (const one of [...this.#waiting.values()]) if (one.keeper === keeper) this.#end(one, null, 'withdrawn');
    this.#judge(keeper, null, 'unknown');
  }

  /** Somebody is there for a relay, or (null) for all of them, until the returned function is called. */
  attend(relay: string | null, attendant: Attendant): () => void {
    this.#attendants.add(attendant, relay);
    for (const one of this.#waiting.values()) {
      if (one.shown && (relay === null || one.relay === relay)) this.#audience.put(one, [attendant]);
    }
    return () => void this.#audience.leave(attendant);
  }

  /** Somebody is there who can answer what this lane's host asks. */
  attended(lane: LaneId): boolean {
    return this.#attendants.there(relayOf(lane));
  }

  /** A user wants this relay to go on: what was declined may be asked anew. */
  renew(relay: string): void {
    this.#attendants.renew(relay);
  }

  /** Answers a question, one answer for each prompt; kept for `lifetime` ms where that makes sense. Throws USAGE when it does not wait. */
  answer(id: number, answers: readonly Secret[], lifetime: number = keptFor): void {
    const one = this.#find(id);
    const { length } = one.question.prompts;
    if (answers.length !== length) {
      const text = `question ${id} has ${length} prompts and was given ${answers.length} answers; give one for each`;
      throw new Fault('USAGE', text);
    }
    this.#accept(one, answers, lifetime, 'person');
  }

  /** Whoever is there will not answer. Throws USAGE when the question does not wait. */
  decline(id: number): void {
    this.#refuse(this.#find(id), 'declined');
  }

  /** Forgets every answer. */
  close(): void {
    for (const one of [...this.#waiting.values()]) this.#end(one, null, 'withdrawn');
    this.#kept.close();
  }

  #find(id: number): Waiting {
    const one = this.#waiting.get(id);
    if (one?.shown === true) return one;
    throw new Fault('USAGE', `question ${id} does not wait for an answer any more; look at \`towline status\``);
  }

  #serve(one: Waiting): void {
    const { question, keeper, lane } = one;
    if (isReusable(question)) {
      const kept = this.#kept.take(question, { keeper, lane });
      if (kept === 'busy') return;
      if (kept !== null) return this.#end(one, kept, 'memory');
      if ([...this.#waiting.values()].some(({ shown, question: { about } }) => shown && about === question.about))
        return;
    }
    const there = this.#attendants.of(one);
    const declined = this.#attendants.hasDeclined(one);
    const program = declined ? null : findAskpass(this.#ports.env, there.length > 0);
    if (there.length === 0 && program === null) return this.#end(one, null, declined ? 'declined' : 'nobody');
    one.shown = true;
    this.#ports.fact({ type: 'question.asked', of: program === null ? 'person' : 'askpass', ...one.fact });
    if (program === null) this.#audience.put(one, there);
    else void this.#run(program, one);
  }

  /** What was put to somebody who has left goes to another one, or has no answer. */
  #left(relay: string | null): void {
    for (const one of [...this.#waiting.values()]) {
      if (!one.shown || (relay !== null && one.relay !== relay) || !this.#waiting.has(one.id)) continue;
      const there = this.#attendants.of(one);
      if (there.length > 0) this.#audience.put(one, there);
      else if (!one.asking) this.#end(one, null, 'nobody');
    }
  }

  async #run(program: string, one: Waiting): Promise<void> {
    one.asking = true;
    const answers = await this.#askpass.ask(program, one.question, one.over.signal, () => this.#audience.put(one, []));
    one.asking = false;
    if (!this.#waiting.has(one.id)) return;
    if (answers !== null) return this.#accept(one, answers, keptFor, 'askpass');
    this.#attendants.decline(one);
    // Who has come for the relay meanwhile still has it before him.
    if (this.#attendants.of(one).length === 0) this.#end(one, null, 'declined');
  }

  #refuse(one: Waiting, why: 'declined' | 'late'): void {
    this.#attendants.decline(one);
    this.#end(one, null, why);
  }

  #accept(one: Waiting, answers: readonly Secret[], lifetime: number, by: Source): void {
    const { question, keeper, lane } = one;
    this.#kept.keep(question, answers, lifetime, { keeper, lane });
    this.#end(one, answers, by);
    if (question.kind === 'passphrase') this.#ports.answered(question.about);
  }

  #end(one: Waiting, ...[answers, how]: [readonly Secret[], Source] | [null, Why]): void {
    const { id, keeper, request, lane, question, fact } = one;
    this.#waiting.delete(id);
    one.over.abort();
    this.#audience.over(one);
    this.#ports.pause(keeper, lane, false);
    if (answers === null) this.#ports.fact({ type: 'question.unanswered', why: how, ...fact });
    else this.#ports.fact({ type: 'question.answered', by: how, ...fact });
    // Here they leave for the worker that asked, and for nobody else.
    const revealed = answers?.map((answer) => answer.reveal()) ?? null;
    if (how !== 'withdrawn') keeper.send({ say: 'answer', request, answers: revealed });
    this.#serveOthers(question.about);
  }

  #judge(keeper: WorkerKeeper, lane: LaneId | null, outcome: Outcome): void {
    for (const about of this.#kept.judge(keeper, lane, outcome)) {
      this.#serveOthers(about);
      if (outcome === 'right') this.#ports.answered(about);
    }
  }

  /** Those who waited for the answer to the same question. */
  #serveOthers(about: string): void {
    for (const one of [...this.#waiting.values()]) {
      if (!one.shown && one.question.about === about && this.#waiting.has(one.id)) this.#serve(one);
    }
  }
}
