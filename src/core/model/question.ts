import type { FaultReport } from './fault.ts';
import { printable } from './printable.ts';

/** Something that only a person can answer before a login goes on. */
export interface Question {
  readonly kind: 'passphrase' | 'password' | 'keyboard-interactive';
  /** What the answer belongs to, and under which it is kept: a key's fingerprint or path, or an account, its host key and its prompts. */
  readonly about: string;
  /** The host, and the hop where there are several, as faults name it. */
  readonly where: string;
  /** What is asked for, or what the server says beside its prompts; escaped, lines apart, never empty. */
  readonly text: string;
  /** One answer each. */
  readonly prompts: readonly Prompt[];
  /** True when an answer was given before and was wrong. */
  readonly again: boolean;
}

/** One line of a question (RFC 4256 section 3.2), escaped. */
export interface Prompt {
  readonly text: string;
  /** Whether the answer may be shown while it is typed. */
  readonly echo: boolean;
}

/** Asks a person; rejects with NEEDS_ANSWER where nobody is there, and with the signal's reason. */
export type Ask = (question: Question, signal: AbortSignal) => Promise<readonly string[]>;

/** A prompt for nothing but the password of the account, as PAM, FreeBSD and OpenSSH word it. */
const plain =
  /^\s*(?:\([^()]*\)\s*)?(?:(?:unix|ldap|login|ssh|[\w.-]+@[\w.:[\]-]+'s)\s+)?password(?:\s+for\s+[\w.@:[\]-]+)?\s*:?\s*$/i;

/** Whether the same answer serves the next time too. A code is used once and never replayed. */
export function isReusable({ kind, prompts }: Question): boolean {
  if (kind !== 'keyboard-interactive') return true;
  const [prompt] = prompts;
  return prompts.length === 1 && prompt !== undefined && !prompt.echo && plain.test(prompt.text);
}

/** The text of a keyboard-interactive question in which the server says nothing beside its prompts. */
export const nothingSaid = 'keyboard-interactive login';

/** What a question wants, as the end of a sentence: `a password`, `an answer to "Code:" (keyboard-interactive)`. One line. */
export function describeWish({ kind, text, prompts }: Question): string {
  if (kind === 'password') return 'a password';
  if (kind === 'passphrase') return printable(text);
  return `an answer to ${promptLine(prompts)} (keyboard-interactive)`;
}

/** The facts of a question that a fault carries, so that status can show what is waited for, and an answer finds who waits. */
export function questionDetail(question: Question): Readonly<Record<string, string | number>> {
  const { kind, where, about, text, prompts } = question;
  return { kind, where, about, text: printable(text), prompts: promptLine(prompts) };
}

/** Whether an answer of a person may cure a fault: one is waited for, or those that were given were wrong. */
export function awaitsAnswer({ code, detail }: FaultReport): boolean {
  return code === 'NEEDS_ANSWER' ? 'about' in detail : code === 'AUTH_REJECTED' && 'answers' in detail;
}

function promptLine(prompts: readonly Prompt[]): string {
  return printable(prompts.map(({ text }) => `"${text.trim()}"`).join(' and '));
}
