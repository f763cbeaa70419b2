/** Something that only a person can answer before a login goes on. */
export interface Question {
  readonly kind: 'passphrase' | 'password' | 'keyboard-interactive';
  /** What the answer belongs to, and under which it is kept: a key's fingerprint or path, or an account and its prompts. */
  readonly about: string;
  /** The host, and the hop where there are several, as faults name it. */
  readonly where: string;
  /** What is asked for, or what the server says beside its prompts; escaped, never empty. */
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
