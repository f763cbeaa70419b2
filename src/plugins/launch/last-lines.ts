import { printable, type Secret } from '../../plugin.ts';

/** So much of the end of the output is kept, bytes. */
const most = 8192;

/** Escape sequences of a terminal (ECMA-48): CSI, OSC and the short ones. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const sequences = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g;

/** What looks like a secret by the word before it, or is a long word of letters and digits. */
const named = /((?:token|password|passwd|secret|key|code)["']?\s*[=:]\s*["']?)[^\s"'&;,]+/gi;
const long = /[\w+/=-]{24,}/g;

/** How a shell names the file of the command in its complaints. */
const commandFile = /\S*\/towline\/backends\/[^/\s]+\/[^/\s]+\/command: /g;

/** The end of what a backend printed, for people: without tokens, without anything that a terminal would obey. */
export class LastLines {
  #bytes = Buffer.alloc(0);
  readonly #secrets: Secret[] = [];
  readonly #patterns: readonly RegExp[];

  /** `patterns`: what their first group matches is a token. */
  constructor(patterns: readonly (RegExp | null)[] = []) {
    this.#patterns = patterns.flatMap((one) => (one === null ? [] : [new RegExp(one.source, 'dgu')]));
  }

  add(chunk: Buffer): void {
    const all = Buffer.concat([this.#bytes, chunk.subarray(-most)]);
    this.#bytes = Buffer.from(all.subarray(-most));
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
    return lines.length === 0 ? 'it printed nothing' : `last output: ${lines.map((line) => `"${line}"`).join(', ')}`;
  }

  #lines(): readonly string[] {
    // A line that began before what is kept may hold half a token.
    const text = this.#bytes.toString('utf8');
    const cut = this.#bytes.length < most ? '' : /^[^\n]*\n/.exec(text)?.[0];
    const whole = cut === undefined ? text.slice(-160).replace(/^\S*/, '') : text.slice(cut.length);
    return this.#redact(whole.replace(sequences, '').replace(commandFile, ''))
      .split(/[\r\n]+/)
      .map((line) => printable(line.trim().slice(0, 100)))
      .filter((line) => line !== '');
  }

  #redact(text: string): string {
    let shown = text;
    for (const secret of this.#secrets) {
      for (const form of [secret.reveal(), encodeURIComponent(secret.reveal())])
        shown = shown.replaceAll(form, '[secret]');
    }
    for (const pattern of this.#patterns) {
      shown = shown
        .split('\n')
        .map((line) => hideGroups(line, pattern))
        .join('\n');
    }
    return shown.replace(named, '$1[secret]').replace(long, hideWord);
  }
}

/** A token has digits in it. A path may be long by itself; then each part of it counts. */
function hideWord(word: string): string {
  if (!/\d/.test(word)) return word;
  if (!word.startsWith('/')) return '[secret]';
  return word
    .split('/')
    .map((part) => (part.length >= 24 && /\d/.test(part) ? '[secret]' : part))
    .join('/');
}

function hideGroups(line: string, pattern: RegExp): string {
  let shown = line.slice(0, 2048);
  for (const match of [...shown.matchAll(pattern)].reverse()) {
    const [from, to] = match.indices?.[1] ?? [0, 0];
    shown = `${shown.slice(0, from)}[secret]${shown.slice(to)}`;
  }
  return shown;
}
