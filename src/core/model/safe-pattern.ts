const longest = 200;

/** Unbounded repetitions in one pattern: each multiplies the worst time by the length of the text. */
const mostRepeats = 2;

/** A range of counts above this is as bad as an unbounded repetition. */
const mostCounted = 20;

/** An engine writes a counted repetition out, so that large counts fill the memory. */
const mostCopies = 256;

/** Alternatives, optional parts and short ranges multiply: forty of them in a row would run for years. */
const mostWays = 64;

/** A compiled pattern, or why it is refused. */
export type PatternReading =
  | { readonly value: RegExp }
  | { readonly trouble: { readonly message: string; readonly expected: string } };

/** What stands between two parentheses, as far as it matters: does anything in it repeat, or has it alternatives? */
interface Group {
  complex: boolean;
}

/**
 * Compiles a regular expression from the config, if no text can make it run for long: a small subset, refused with a reason
 * rather than run with a hope. Whoever matches with it still bounds the length of the text.
 */
export function safePattern(text: string): PatternReading {
  const reason = text.length > longest ? `it is ${text.length} characters long, over ${longest}` : refusal(text);
  const compiled = reason ?? compile(text);
  if (typeof compiled !== 'string') return { value: compiled };
  const message = `this pattern is refused: ${compiled}`;
  const expected = `at most ${longest} characters, without repetition inside repeated groups, backreferences or lookbehind`;
  return { trouble: { message, expected } };
}

/** As `safePattern`; its first group is what is looked for, so that there must be one. */
export function safeGroupPattern(text: string): PatternReading {
  const parsed = safePattern(text);
  if ('trouble' in parsed || hasGroup(parsed.value)) return parsed;
  const message = 'this pattern is refused: it has no group, so that nothing says which part of what it finds is meant';
  return { trouble: { message, expected: 'parentheses around that part, such as "token: (\\S+)"' } };
}

/** One that matches the empty text has all its groups in that match. */
function hasGroup({ source, flags }: RegExp): boolean {
  return (new RegExp(`${source}|`, flags).exec('') ?? []).length > 1;
}

/** A text: why it is none. */
function compile(text: string): RegExp | string {
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    // V8 quotes the pattern, which may hold anything, and says at the end what is wrong with it.
    const why = /: ([\w ]+)$/.exec(error instanceof Error ? error.message : '')?.[1];
    return `it is not a regular expression with the u flag (${why?.toLowerCase() ?? 'escape only what must be escaped'})`;
  }
}

/** One pass over the pattern's tokens; null when nothing in it is dangerous. */
function refusal(text: string): string | null {
  const token =
    /\\(?:k<|[1-9]|.)|\[(?:\\.|[^\]\\])*\]|\(\?<?[=!]|\(\?:|\(\?<[^>=!]*>|[()|]|[*+?]\??|\{\d+(?:,\d*)?\}\??|./gsu;
  const outer: Group[] = [];
  let group: Group = { complex: false };
  let closed: Group | null = null;
  let repeats = 0;
  let ways = 1;
  for (const [part] of text.matchAll(token)) {
    const before: Group | null = closed;
    closed = null;
    if (/^\\(?:k<|[1-9])/.test(part)) return 'it has a backreference';
    if (part.startsWith('(?<=') || part.startsWith('(?<!')) return 'it has a lookbehind';
    if (part.startsWith('(')) {
      outer.push(group);
      group = { complex: false };
    } else if (part === ')') {
      closed = group;
      group = outer.pop() ?? { complex: false };
      group.complex ||= closed.complex;
    } else if (part === '|') {
      group.complex = true;
      ways *= 2;
    } else {
      const range = repetition(part);
      if (range === null) continue;
      if (before?.complex === true && range.most > 1)
        return 'it repeats a group that itself repeats or has alternatives';
      const copies = Number.isFinite(range.most) ? range.most : range.least;
      if (copies > mostCopies) return `it repeats something more than ${mostCopies} times`;
      const spread = range.most - range.least + 1;
      if (spread > mostCounted) repeats += 1;
      else ways *= spread;
      if (repeats > mostRepeats) return `it has more than ${mostRepeats} unbounded repetitions`;
      group.complex = true;
    }
    if (ways > mostWays) return 'it can match in too many ways';
  }
  return null;
}

function repetition(part: string): { readonly least: number; readonly most: number } | null {
  if (/^\*\??$/.test(part)) return { least: 0, most: Number.POSITIVE_INFINITY };
  if (/^\+\??$/.test(part)) return { least: 1, most: Number.POSITIVE_INFINITY };
  if (/^\?\??$/.test(part)) return { least: 0, most: 1 };
  const counted = /^\{(\d+)(,?)(\d*)\}\??$/.exec(part);
  if (counted === null) return null;
  const least = Number(counted[1]);
  if (counted[2] === '') return { least, most: least };
  return { least, most: counted[3] === '' ? Number.POSITIVE_INFINITY : Number(counted[3]) };
}
