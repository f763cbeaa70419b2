import type { Parsed } from './problem.ts';

const longest = 200;

/** Unbounded repetitions in one pattern: each multiplies the worst time by the length of the text. */
const mostRepeats = 3;

/** A counted repetition above this is as bad as an unbounded one. */
const mostCounted = 20;

/** What stands between two parentheses, as far as it matters: can it match texts of several lengths, or in several ways? */
interface Group {
  varies: boolean;
}

/**
 * Compiles a regular expression from the config, if no text can make it run for long: a small subset, refused with a reason
 * rather than run with a hope. Whoever matches with it still bounds the length of the text.
 */
export function safePattern(text: string): Parsed<RegExp> {
  const reason = text.length > longest ? `it is ${text.length} characters long, over ${longest}` : refusal(text);
  if (reason === null) {
    const compiled = compile(text);
    if (compiled !== null) return { value: compiled };
  }
  const message = `this pattern is refused: ${reason ?? 'it is not a regular expression'}`;
  const expected = `at most ${longest} characters, without repeated groups that vary, backreferences or lookbehind`;
  return { trouble: { message, expected } };
}

function compile(text: string): RegExp | null {
  try {
    return new RegExp(text, 'u');
  } catch {
    // SyntaxError is the only thing it throws, and its message quotes the pattern.
    return null;
  }
}

/** One pass over the pattern's tokens; null when nothing in it is dangerous. */
function refusal(text: string): string | null {
  const token =
    /\\(?:k<|[1-9]|.)|\[(?:\\.|[^\]\\])*\]|\(\?<?[=!]|\(\?:|\(\?<[^>=!]*>|[()|]|[*+?]\??|\{\d+(?:,\d*)?\}\??|./gsu;
  const outer: Group[] = [];
  let group: Group = { varies: false };
  let closed: Group | null = null;
  let repeats = 0;
  for (const [part] of text.matchAll(token)) {
    const before: Group | null = closed;
    closed = null;
    if (/^\\(?:k<|[1-9])/.test(part)) return 'it has a backreference';
    if (part.startsWith('(?<=') || part.startsWith('(?<!')) return 'it has a lookbehind';
    if (part.startsWith('(')) {
      outer.push(group);
      group = { varies: false };
    } else if (part === ')') {
      closed = group;
      group = outer.pop() ?? { varies: false };
      group.varies ||= closed.varies;
    } else if (part === '|') group.varies = true;
    else {
      const range = repetition(part);
      if (range === null) continue;
      if (before?.varies === true && range.most > 1)
        return 'it repeats a group that itself repeats or has alternatives';
      if (range.most > mostCounted) repeats += 1;
      if (repeats > mostRepeats) return `it has more than ${mostRepeats} unbounded repetitions`;
      group.varies ||= range.least !== range.most;
    }
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
