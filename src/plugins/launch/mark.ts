/**
 * The line that stands in the log of a run right before what its command prints. What the startup files of a login shell print comes before it,
 * and they cannot say it: its run has a new random id.
 */
export function markOf(run: string): string {
  return `towline: run ${run} begins`;
}
