import { Fault } from '../core/model/fault.ts';
import type { Ask } from '../core/model/question.ts';
import { describeWish } from '../core/model/question.ts';
import { askOnce } from './ask-once.ts';
import { mayAskHere } from './may-ask-here.ts';
import { openPrompter, type Prompter } from './prompter.ts';
import { TypedLines } from './typed-lines.ts';

/** Answers the questions of a login that this command makes by itself. */
export interface Asker {
  /** `name` stands before each prompt. */
  ask(name: string): Ask;
  close(): void;
}

/** Asks the person at this terminal; where nobody is there, or `silent`, each question is refused with NEEDS_ANSWER. Closes `typed`. */
export function askOrRefuse(silent: boolean, typed = new TypedLines()): Asker {
  let prompter: Prompter | null = null;
  return {
    ask: (name) => async (question, signal) => {
      const isKey = question.kind === 'passphrase';
      const wish = `${question.where} ${isKey ? 'needs' : 'asks for'} ${describeWish(question)}`;
      const otherwise = isKey ? 'load the key into ssh-agent' : 'let a key of yours in there';
      const refusal = new Fault('NEEDS_ANSWER', `${wish}; run this on a terminal, or ${otherwise}`, {
        detail: { wish },
      });
      if (silent || !mayAskHere()) throw refusal;
      prompter ??= askOnce(openPrompter(typed));
      const answers = await prompter.ask(name, question, signal);
      if (answers === null) throw refusal;
      return answers.map((answer) => answer.reveal());
    },
    close: () => {
      prompter?.close();
      typed.close();
    },
  };
}
