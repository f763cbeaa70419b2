import { isReusable } from '../core/model/question.ts';
import type { Prompter } from './prompter.ts';

/** Asks for an answer that serves many only once, where the person would not give it: a passphrase, for each relay that uses that key. */
export function askOnce(prompter: Prompter): Prompter {
  const declined = new Set<string>();
  return {
    ask: async (relay, question, signal) => {
      if (declined.has(question.about)) return null;
      const answers = await prompter.ask(relay, question, signal);
      // What was withdrawn meanwhile was not declined.
      if (answers === null && !signal.aborted && isReusable(question)) declined.add(question.about);
      return answers;
    },
    close: () => prompter.close(),
  };
}
