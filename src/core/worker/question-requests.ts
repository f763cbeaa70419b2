import { Fault } from '../model/fault.ts';
import { describeWish, type Question, questionDetail } from '../model/question.ts';
import type { LaneId, ToSupervisor } from '../protocol.ts';
import { Requests } from './requests.ts';

/** Asks a person by way of the supervisor: this process has no terminal, and keeps no answer. */
export class QuestionRequests {
  readonly #say: (message: ToSupervisor) => void;
  readonly #requests = new Requests<readonly string[] | null>();

  constructor(say: (message: ToSupervisor) => void) {
    this.#say = say;
  }

  /** Resolves with one answer for each prompt; rejects with NEEDS_ANSWER where nobody gives them, and with the signal's reason. */
  async ask(by: LaneId, question: Question, signal: AbortSignal): Promise<readonly string[]> {
    const answers = await this.#requests.ask(
      (request) => this.#say({ say: 'ask', request, by, question }),
      (request) => this.#say({ say: 'withdraw', request }),
      signal,
    );
    if (answers === null) throw unanswered(by, question);
    return answers;
  }

  answered(request: number, answers: readonly string[] | null): void {
    this.#requests.answer(request, answers);
  }
}

function unanswered(by: LaneId, question: Question): Fault {
  const relay = by.slice(0, by.lastIndexOf('#'));
  const wrong = question.again ? ', the last one was wrong' : '';
  const asks = question.kind === 'passphrase' ? 'needs' : 'asks for';
  const text = `${question.where} ${asks} ${describeWish(question)}${wrong}; give it with \`towline unlock ${relay}\``;
  return new Fault('NEEDS_ANSWER', text, { detail: questionDetail(question) });
}
