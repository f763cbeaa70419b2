/** Line and column of an offset, both from 1; the column counts UTF-16 units. */
export type Locator = (at: number) => { readonly line: number; readonly column: number };

/** Indexes a text once, so that a file with a hundred thousand problems is still quick. */
export function locator(text: string): Locator {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (at) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= at) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: at - (starts[low] ?? 0) + 1 };
  };
}
