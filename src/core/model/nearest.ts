import { closest, distance } from 'fastest-levenshtein';

/** The word that was probably meant, or null when none is near: at most two letters in five may differ. */
export function nearest(word: string, words: readonly string[]): string | null {
  if (words.length === 0 || word.length > 64) return null;
  const lower = word.toLowerCase();
  const near = closest(
    lower,
    words.map((one) => one.toLowerCase()),
  );
  if (distance(lower, near) > Math.max(1, word.length / 2.5)) return null;
  return words.find((one) => one.toLowerCase() === near) ?? null;
}
