/** A piece of a text that gives way to another; where `at` and `end` are the same, one that is put in. */
export interface Splice {
  readonly at: number;
  readonly end: number;
  readonly text: string;
}

/** The text with its pieces exchanged and every other character as it was. The pieces do not overlap. */
export function splice(text: string, splices: readonly Splice[]): string {
  // From the end to the start, so that offsets stay true; of two at one place the later one stands behind.
  const ordered = splices.toSorted((a, b) => a.at - b.at).toReversed();
  return ordered.reduce((whole, { at, end, text: piece }) => whole.slice(0, at) + piece + whole.slice(end), text);
}
