import { printable, type Secret } from '../../plugin.ts';
import { missingProgram } from '../printed/missing-program.ts';
import { hideSecrets, readyPatterns } from './hide-secrets.ts';

/** So much of the end of the output is kept, bytes. */
const most = 8192;

/** How a shell names the file of the command in its complaints. */
const commandFile = /\S*\/towline\/backends\/[^/\s]+\/[^/\s]+\/(?:command|login): /g;

/** The end of what a backend printed, for people: without tokens, without anything that a terminal would obey. */
export class LastLines {
  /** In one place for good: a flood that was copied piece by piece would leave as much garbage behind. */
  readonly #kept = Buffer.alloc(most);
  #length = 0;
  readonly #secrets: Secret[] = [];
  readonly #patterns: readonly RegExp[];

  /** `patterns`: what their first group matches is a token. */
  constructor(patterns: readonly (RegExp | null)[] = []) {
    this.#patterns = readyPatterns(patterns);
  }

  add(chunk: Buffer): void {
    const part = chunk.subarray(-most);
    const before = Math.min(this.#length, most - part.length);
    this.#kept.copyWithin(0, this.#length - before, this.#length);
    part.copy(this.#kept, before);
    this.#length = before + part.length;
  }

  /** Forgets what it printed so far. */
  clear(): void {
    this.#length = 0;
  }

  /** What is never shown from now on. */
  hide(secret: Secret): void {
    this.#secrets.push(secret);
  }

  /** The last line; empty when there is none. */
  get last(): string {
    return this.#lines().at(-1) ?? '';
  }

  /** The last lines as a part of a sentence: `; last output: "a", "b"`, or that there was none. */
  get sentence(): string {
    const lines = this.#lines().slice(-3);
    if (lines.length === 0 && this.any) return 'what it printed last has no line that can be shown';
    return lines.length === 0 ? 'it printed nothing' : `last output: ${lines.map((line) => `"${line}"`).join(', ')}`;
  }

  /** Whether it has printed anything. */
  get any(): boolean {
    return this.#length > 0;
  }

  /** The program that a shell says it did not find; null where none says so. */
  get missing(): string | null {
    return missingProgram(this.#lines(1024));
  }

  /** Each of so many characters at most. */
  #lines(widest = 100): readonly string[] {
    // A line that began before what is kept may hold half a token.
    const text = this.#kept.toString('utf8', 0, this.#length);
    const cut = this.#length < most ? '' : /^[^\n]*\n/.exec(text)?.[0];
    const whole = cut === undefined ? text.slice(-160).replace(/^\S*/, '') : text.slice(cut.length);
    return hideSecrets(whole.replace(commandFile, ''), { secrets: this.#secrets, patterns: this.#patterns })
      .split(/[\r\n]+/)
      .map((line) => printable(line.trim().slice(0, widest)))
      .filter((line) => line !== '');
  }
}
