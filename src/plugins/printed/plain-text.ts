import { StringDecoder } from 'node:string_decoder';

const esc = '\x1b';
const bel = '\x07';

/** The longest escape sequence that is waited for, characters: an OSC 8 link fits, and what never ends is text. */
const longest = 2048;

/** What begins a sequence, and all that is no text; `\n` alone ends a line. */
const special = /[^\P{Cc}\n]/u;

/**
 * Makes of what a program wrote, in pieces cut anywhere, the text that a person would read: no control sequences (ECMA-48), no NUL or other
 * controls, CRLF and CR as line ends. What only looks like a sequence, in binary noise, stays as text.
 */
export class PlainText {
  readonly #decoder = new StringDecoder('utf8');
  /** A sequence that has begun. */
  #held = '';

  add(chunk: Buffer): string {
    const text = this.#decoder.write(chunk);
    if (this.#held === '' && !special.test(text)) return text;
    return this.#strip(this.#held + text);
  }

  /** What is left at the end. */
  end(): string {
    const rest = this.#held + this.#decoder.end();
    this.#held = '';
    return rest.replace(controls, '');
  }

  #strip(text: string): string {
    this.#held = '';
    let plain = '';
    let at = 0;
    for (const match of text.matchAll(starts)) {
      if (match.index < at) continue;
      plain += text.slice(at, match.index);
      const end = endOf(text, match.index);
      if (end === null) {
        this.#held = text.slice(match.index);
        return tidy(plain);
      }
      at = end;
    }
    return tidy(plain + text.slice(at));
  }
}

/** ESC, or a CR that may be the first half of CRLF. The one-character forms of CSI and OSC mean nothing in UTF-8. */
const starts = new RegExp(`${esc}|\r(?=\n|$)`, 'g');
const controls = /[^\P{Cc}\n]/gu;

function tidy(text: string): string {
  return text.replace(/\r/g, '\n').replace(/\t/g, ' ').replace(controls, '');
}

/** Where the sequence at `at` ends; null: it is not over yet. One that is none ends after its first character. */
function endOf(text: string, at: number): number | null {
  const body = introduced(text, at);
  if (body === null) return null;
  const { kind, from } = body;
  // A CR alone at the end may be followed by its LF in the next piece.
  if (kind === 'return') return at + 1 < text.length ? at + 1 : null;
  sequences[kind].lastIndex = from;
  const found = sequences[kind].exec(text);
  if (found === null) return at + 1;
  const end = from + found[0].length;
  if (found[1] !== undefined) return end;
  // The first half of ST.
  if (text[end] === esc && end + 1 === text.length && end - at <= longest) return null;
  // Without its end: it reaches to the end of the text, or something stands in it that may not.
  return end < text.length || end - at > longest ? at + 1 : null;
}

/** The first group is what ends it. */
const sequences = {
  /** Parameters, intermediates, a final byte (section 5.4). */
  csi: /[0-?]*[ -/]*([@-~])?/y,
  /** Text up to BEL or ST; no other control is in it (section 5.6). */
  string: new RegExp(`\\P{Cc}*(${bel}|${esc}\\\\)?`, 'uy'),
  /** Such as `ESC ( B`. */
  other: /[ -/]*([0-~])?/y,
};

function introduced(text: string, at: number): { kind: 'csi' | 'string' | 'other' | 'return'; from: number } | null {
  if (text[at] === '\r') return { kind: 'return', from: at };
  const second = text[at + 1];
  if (second === undefined) return null;
  if (second === '[') return { kind: 'csi', from: at + 2 };
  return /[PX\]^_]/.test(second) ? { kind: 'string', from: at + 2 } : { kind: 'other', from: at + 1 };
}
