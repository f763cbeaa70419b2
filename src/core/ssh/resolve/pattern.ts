/** True when `text` matches a pattern of ssh_config(5), PATTERNS: `*` is any run, `?` exactly one character. Minds the case. */
export function matchPattern(text: string, pattern: string): boolean {
  let at = 0;
  let p = 0;
  // The last star seen and where its run began: one level of backtracking is enough, so no pattern takes exponential time.
  let star = -1;
  let run = 0;
  while (at < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      run = at;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[at])) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++run;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** What several patterns say together: a negated one that matches beats every other. */
export type PatternAnswer = 'yes' | 'no' | 'negated';

/** Asks a list of patterns, some of them negated with `!`. */
export function matchPatterns(text: string, patterns: readonly string[]): PatternAnswer {
  let answer: PatternAnswer = 'no';
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    if (!matchPattern(text, negated ? pattern.slice(1) : pattern)) continue;
    if (negated) return 'negated';
    answer = 'yes';
  }
  return answer;
}

/** Lower case for ASCII only, as ssh has it: other letters stay. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
