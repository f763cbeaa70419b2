import { distance } from 'fastest-levenshtein';

/**
 * The word that was probably meant, or null when none is near: at most two letters in five may differ. Of two that are as near the
 * one of the same length is taken: letters change places more often than they go missing.
 */
export function nearest(word: string, words: readonly string[]): string | null {
  if (word.length > 64) return null;
  const lower = word.toLowerCase();
  let near: { readonly word: string; readonly cost: number } | null = null;
  for (const one of words) {
    const letters = distance(lower, one.toLowerCase());
    const cost = letters + (one.length === word.length ? 0 : 0.5);
    if (letters <= Math.max(1, word.length / 2.5) && (near === null || cost < near.cost)) near = { word: one, cost };
  }
  return near?.word ?? null;
}
