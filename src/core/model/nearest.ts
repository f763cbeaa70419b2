import { distance } from 'fastest-levenshtein';

/**
 * The word that was probably meant, or null when none is near: the only one that begins so and is little longer, else the nearest. At most two letters in five may
 * differ; two neighbours that changed places count as one. Of two that are as near the one of the same length is taken: letters change places
 * more often than they go missing.
 */
export function nearest(word: string, words: readonly string[]): string | null {
  if (word.length > 64) return null;
  const lower = word.toLowerCase();
  // Who left off early meant what begins so: `stat` is status, though start is nearer.
  const most = lower.length < 3 ? 0 : lower.length * 1.5;
  const begun = words.filter((one) => one.length <= most && one.toLowerCase().startsWith(lower));
  if (begun.length === 1) return begun[0] ?? null;
  let near: { readonly word: string; readonly cost: number } | null = null;
  for (const one of words) {
    const letters = swapped(lower, one.toLowerCase()) ? 1 : distance(lower, one.toLowerCase());
    const cost = letters + (one.length === word.length ? 0 : 0.5);
    if (letters <= Math.max(1, word.length / 2.5) && (near === null || cost < near.cost)) near = { word: one, cost };
  }
  return near?.word ?? null;
}

/** Whether two words differ by one pair of neighbours that changed places. */
function swapped(one: string, other: string): boolean {
  const at = [...one].findIndex((letter, index) => letter !== other[index]);
  if (at < 0) return false;
  return `${one.slice(0, at)}${one.charAt(at + 1)}${one.charAt(at)}${one.slice(at + 2)}` === other;
}
