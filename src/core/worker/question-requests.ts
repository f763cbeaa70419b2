import { Fault } from '../model/fault.ts';
import { describeWish, type Question, questionDetail } from '../model/question.ts';
import type { LaneId, ToSupervisor } from '../protocol.ts';

/** Asks a person by way of the supervisor: this process has no terminal, and keeps no answer. */
export class QuestionRequests {
  readonly #say: (message: ToSupervisor) => void;
  readonly #waiting = new Map<number, (answers: readonly string[] | null) => void>();
  #last = 0;

  constructor(say: (message: ToSupervisor) => void) {
    this.#say = say;
  }

  /** Resolves with one answer for each prompt; rejects with NEEDS_ANSWER where nobody gives them, and with the signal's reason. */
  ask(by: LaneId, question: Question, signal: AbortSignal): Promise<readonly string[]> {
    this.#last += 1;
    const request = this.#last;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const aborted = () => {
        this.#waiting.delete(request);
        this.#say({ say: 'withdraw', request });
        reject(signal.reason);
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.set(request, (answers) => {
        signal.removeEventListener('abort', aborted);
        this.#waiting.delete(request);
        if (answers === null) reject(unanswered(by, question));
        else resolve(answers);
      });
      this.#say({ say: 'ask', request, by, question });
    });
  }

  answered(request: number, answers: readonly string[] | null): void {
    this.#waiting.get(request)?.(answers);
  }
}

function unanswered(by: LaneId, question: Question): Fault {
  const relay = by.slice(0, by.lastIndexOf('#'));
  const wrong = question.again ? ', the last one was wrong' : '';
  const asks = question.kind === 'passphrase' ? 'needs' : 'asks for';
  const text = `${question.where} ${asks} ${describeWish(question)}${wrong}; give it with \`towline unlock ${relay}\``;
  return new Fault('NEEDS_ANSWER', text, { detail: questionDetail(question) });
}
