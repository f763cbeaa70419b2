import { printable } from '../core/model/printable.ts';
import { nothingSaid, type Prompt, type Question } from '../core/model/question.ts';

/** What stands above a question's prompts; every line that a server wrote is marked as such. Empty for a plain password. */
export function drawHeader(relay: string, { kind, where, text, again }: Question): string {
  const wrong = again ? `${printable(relay)}: that was not right, try again\n` : '';
  if (kind !== 'keyboard-interactive' || text === nothingSaid) return wrong;
  return `${wrong}${printable(relay)}: ${printable(where)} asks:\n${quote(text.split('\n'))}`;
}

/**
 * A prompt as it stands before the answer: what comes before its last line is marked as the server's. The words of a server have its
 * name before them, as in ssh: else it could ask for a key's passphrase as we do.
 */
export function drawPrompt(relay: string, { kind, where }: Question, { text }: Prompt): string {
  const lines = text.split('\n');
  const whose = kind === 'keyboard-interactive' ? `(${printable(where)}) ` : '';
  const last = `${whose}${printable(lines.at(-1) ?? '')}`;
  const space = last === '' || last.endsWith(' ') ? '' : ' ';
  return `${quote(lines.slice(0, -1))}${printable(relay)}: ${last}${space}`;
}

function quote(lines: readonly string[]): string {
  return lines.map((line) => `  | ${printable(line)}\n`).join('');
}
