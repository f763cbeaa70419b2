import { Fault, type FaultReport } from '../core/model/fault.ts';
import { awaitsAnswer, describeWish, type Question } from '../core/model/question.ts';
import { printable } from '../core/model/printable.ts';
import type { ControlClient } from '../control/client.ts';
import type { UnlockMessage } from '../control/unlock-message.ts';
import type { Prompter } from './prompter.ts';

/** How long a relay may be on its way without asking anything, ms. */
const patience = 30_000;

/** What became of it. */
export type UnlockEnd = { readonly fault: null; readonly text: string } | { readonly fault: Fault };

type Standing = Extract<UnlockMessage, { type: 'standing' }>;

/** One relay's questions, put to a person until it is connected, or there is nothing more that he could do. */
export class UnlockSession {
  readonly #client: ControlClient;
  readonly #prompter: Prompter;
  readonly #relay: string;
  readonly #lifetime: number | null;
  readonly #patience: number;
  readonly #over = new Map<number, AbortController>();
  readonly #gone = new AbortController();
  #asking: Promise<void> = Promise.resolve();
  #asked = 0;
  #again = false;
  #last: Standing | null = null;
  #end: UnlockEnd | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** `lifetime`: how long answers are kept, ms; null: as the daemon thinks fit. `wait`: how long it may ask nothing, ms. */
  constructor(client: ControlClient, prompter: Prompter, relay: string, lifetime: number | null, wait = patience) {
    this.#client = client;
    this.#prompter = prompter;
    this.#relay = relay;
    this.#lifetime = lifetime;
    this.#patience = wait;
  }

  /** Resolves with what became of the relay; null where `left` ended it. Throws NOT_RUNNING when the daemon ends. */
  async run(left: AbortSignal): Promise<UnlockEnd | null> {
    // At once: what is asked right now is not declined, nobody is there any more.
    const leave = () => this.#leave();
    left.addEventListener('abort', leave, { once: true });
    if (left.aborted) leave();
    this.#wait();
    try {
      for await (const message of this.#client.unlock(this.#relay, this.#gone.signal)) {
        await this.#heard(message);
        if (this.#end !== null) break;
      }
    } finally {
      left.removeEventListener('abort', leave);
      this.#leave();
    }
    await this.#asking;
    if (this.#end !== null) return this.#end;
    if (left.aborted) return null;
    return { fault: new Fault('NOT_RUNNING', 'the daemon has ended; start it with `towline up --detach`') };
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#gone.abort();
    for (const over of this.#over.values()) over.abort();
  }

  async #heard(message: UnlockMessage): Promise<void> {
    switch (message.type) {
      case 'question':
        return this.#ask(message.id, message.question);
      case 'over':
        this.#over.get(message.id)?.abort();
        return;
      case 'standing':
        this.#last = message;
        return this.#judge(message);
    }
  }

  /** Questions of several lanes come one after the other; the stream is read on meanwhile. */
  #ask(id: number, question: Question): void {
    if (this.#over.has(id)) return;
    const over = new AbortController();
    this.#over.set(id, over);
    this.#asked += 1;
    clearTimeout(this.#timer);
    this.#asking = this.#asking
      .then(() => this.#put(id, question, over.signal))
      .catch((error: unknown) => {
        this.#end = { fault: Fault.from(error) };
        this.#gone.abort();
      });
  }

  async #put(id: number, question: Question, over: AbortSignal): Promise<void> {
    const answers = over.aborted ? null : await this.#prompter.ask(this.#relay, question, over);
    this.#over.delete(id);
    if (!over.aborted) await this.#client.answer(id, answers, this.#lifetime).catch(late);
    else if (answers === null && !this.#gone.signal.aborted) {
      const what = `${printable(question.where)} does not wait for ${describeWish(question)} any more`;
      process.stderr.write(`${this.#relay}: ${what}\n`);
    }
    this.#wait();
  }

  async #judge({ word, reason, fault, trying }: Standing): Promise<void> {
    switch (word) {
      case 'connected':
      case 'degraded':
        if (!trying) this.#end = { fault: null, text: `${word}${reason === '' ? '' : `, ${printable(reason)}`}` };
        return;
      case 'blocked':
        if (fault === null) return;
        // It was on its way, to be told that nobody is there, when we came.
        if (this.#asked === 0 && !this.#again && awaitsAnswer(fault)) {
          this.#again = true;
          await this.#client.command('start', this.#relay);
          return;
        }
        this.#end = { fault: Fault.fromReport(fault) };
        return;
      case 'offline':
      case 'draining':
        this.#end = { fault: new Fault('RELAY_STOPPED', `${this.#relay} was stopped; start it again`) };
        return;
      case 'connecting':
      case 'reconnecting':
        return;
    }
  }

  #wait(): void {
    clearTimeout(this.#timer);
    if (this.#over.size > 0 || this.#gone.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#end = this.#inTheEnd();
      this.#gone.abort();
    }, this.#patience);
  }

  #inTheEnd(): UnlockEnd {
    const last = this.#last;
    if (last !== null && (last.word === 'connected' || last.word === 'degraded'))
      return { fault: null, text: last.word };
    const fault: FaultReport | null = last?.fault ?? null;
    if (fault !== null) return { fault: Fault.fromReport(fault) };
    const reason = last === null || last.reason === '' ? '' : ` (${printable(last.reason)})`;
    const what = this.#asked === 0 ? 'asked nothing' : 'was answered';
    const text = `${this.#relay} ${what} and is still connecting after ${this.#patience / 1_000} s${reason}; look at \`towline status\``;
    return { fault: new Fault('AUTH_TIMEOUT', text) };
  }
}

/** It was answered elsewhere, or came too late: the stream says so. */
function late(error: unknown): void {
  if (!(error instanceof Fault) || error.code !== 'USAGE') throw error;
}
