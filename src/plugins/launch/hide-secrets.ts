import type { Secret } from '../../plugin.ts';
import { hideWords, isPlainPath, usualWords } from '../printed/hide-words.ts';

/** What is known of the secrets in a text. */
export interface KnownSecrets {
  readonly secrets: readonly Secret[];
  /** What their first group matches is a token; each with the flags `dgu`. */
  readonly patterns: readonly RegExp[];
}

/** Escape sequences of a terminal (ECMA-48): CSI, OSC and the short ones. One that does not end takes no other line with it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const sequences = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b\n]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g;

/** What looks like a secret by the word before it, or is a long word of letters and digits. */
const named = /((?:token|password|passwd|secret|key|code)["']?\s*[=:]\s*["']?)([^\s"'&;,]+)/gi;
const long = { words: usualWords, least: 24, mark: '[secret]' };

/** A pattern takes a time that is bounded by the length of what it looks at, characters. */
const widest = 2048;

/** The patterns as `hideSecrets` uses them: all matches, with the places of their groups. */
export function readyPatterns(patterns: readonly (RegExp | null)[]): readonly RegExp[] {
  return patterns.flatMap((one) => (one === null ? [] : [new RegExp(one.source, 'dgu')]));
}

/**
 * What a backend printed, for people: without what a terminal would obey, and without what is a token by its value, by the pattern of a
 * recipe, or by its look.
 */
export function hideSecrets(text: string, { secrets, patterns }: KnownSecrets): string {
  let shown = text.replace(sequences, '');
  for (const secret of secrets) {
    for (const form of spellings(secret.reveal())) {
      shown = shown.replaceAll(form, '[secret]');
    }
  }
  if (patterns.length > 0) {
    shown = shown
      .split('\n')
      .map((line) => patterns.reduce(hideGroups, line))
      .join('\n');
  }
  return hideWords(shown.replace(named, hideNamed), long);
}

/** A text as it may stand in a page, an address and JSON, of which some writers escape slashes and the signs of HTML too (RFC 8259, section 7). */
function spellings(text: string): readonly string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const html = json.replace(/[&<>]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
  return [...new Set([text, encodeURIComponent(text), json, html].flatMap((one) => [one, one.replaceAll('/', '\\/')]))];
}

/** `key: /etc/ssl/site.key` says where it is. A password may be anything. */
function hideNamed(whole: string, before: string, value: string): string {
  return isPlainPath(value) && !/^passw/i.test(before) ? whole : `${before}[secret]`;
}

function hideGroups(line: string, pattern: RegExp): string {
  const found: { from: number; to: number }[] = [];
  // Windows overlap, so that what is shorter than half of one stands whole in some.
  for (let at = 0; at === 0 || at + widest / 2 < line.length; at += widest / 2) {
    for (const { indices } of line.slice(at, at + widest).matchAll(pattern)) {
      const [from, to] = indices?.[1] ?? [0, 0];
      if (to > from) found.push({ from: at + from, to: at + to });
    }
  }
  let shown = '';
  let end = 0;
  for (const { from, to } of found.sort((a, b) => a.from - b.from)) {
    if (from >= end) shown += `${line.slice(end, from)}[secret]`;
    end = Math.max(end, to);
  }
  return shown + line.slice(end);
}
