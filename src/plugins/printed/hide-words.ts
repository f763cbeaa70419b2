/** A part of a name as people and programs give them: a word, a number, or a word with a short number. */
const plainPiece = /^(?:[A-Za-z]?[a-z]*|[A-Z]*|\d+|[a-z]{1,12}\d{1,4}|v\d+[a-z]?)$/;

/** What a path begins with; a word that is searched for may have lost the `.` or `~` before it. */
const rooted = /^(?:\.{0,2}|~)\//;

/** Padding is at the end of a token only; before a path the same sign ends the name of an option. */
export const usualWords = /[\w+/-]+={0,2}/g;

/** What counts as a word, from how many characters on it is hidden, and what stands in its place. */
export interface WordRules {
  readonly words: RegExp;
  readonly least: number;
  readonly mark: string;
}

/**
 * Hides what looks like a secret by itself: long words with digits. A path may be as long, and says what to look at; of it only
 * the parts that nobody would call a file are hidden.
 */
export function hideWords(text: string, { least, mark, words }: WordRules): string {
  return text.replace(words, (word) => {
    if (word.length < least || !/\d/.test(word)) return word;
    if (!word.includes('/')) return mark;
    const parts = word.split('/');
    const path = rooted.test(word) && parts.some(isWord);
    return parts
      .map((part) => (isPlain(part) || (path && !(part.length >= least && /\d/.test(part))) ? part : mark))
      .join('/');
  });
}

/** Whether a word is the path of a file, and no token with slashes in it. */
export function isPlainPath(word: string): boolean {
  const parts = word.split('/');
  return rooted.test(word) && parts.length > 2 && parts.every(isPlain) && parts.some(isWord);
}

/** Such as `home`, `.config` or `lib64`: what is random seldom begins so. */
function isWord(part: string): boolean {
  return /^\.?[a-z]{3,}\d{0,3}$/.test(part);
}

function isPlain(part: string): boolean {
  return part.split(/[-_.+~]/).every((piece) => plainPiece.test(piece));
}
