/** Who is measured. `direct` is the backend without anything between. */
export type ContenderName = 'direct' | 'towline' | 'ssh' | 'ssh aes128-gcm' | 'autossh' | 'tunnel-ssh';

/** The order of the columns. */
export const contenderNames: readonly ContenderName[] = [
  'towline',
  'ssh',
  'ssh aes128-gcm',
  'autossh',
  'tunnel-ssh',
  'direct',
];

/** One measure of all contenders: a number, or a word where there is none (`crashed`, `never`). */
export interface Figure {
  /** `section.measure`: what targets refer to. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly digits: number;
  readonly values: Readonly<Partial<Record<ContenderName, number | string>>>;
}

/** What a section hands back. */
export interface SectionResult {
  readonly figures: readonly Figure[];
  /** Sentences that the reader of the table needs. */
  readonly notes: readonly string[];
}

/** A contender's value divided by another's; null when either is no number, or the divisor is 0. */
export function ratio(figure: Figure, of: ContenderName, to: ContenderName): number | null {
  const [above, below] = [figure.values[of], figure.values[to]];
  if (typeof above !== 'number' || typeof below !== 'number' || below === 0) return null;
  return above / below;
}

/** Makes a figure of each contender's samples; one without any has `failed`. */
export function figure<T>(
  head: Pick<Figure, 'id' | 'title' | 'unit' | 'digits'>,
  samples: ReadonlyMap<ContenderName, readonly T[]>,
  pick: (samples: readonly T[]) => number | string,
): Figure {
  const values = [...samples].map(([name, list]) => [name, list.length === 0 ? 'failed' : pick(list)]);
  return { ...head, values: Object.fromEntries(values) };
}
