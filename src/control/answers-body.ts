import { Fault } from '../core/model/fault.ts';
import { Secret } from '../core/model/secret.ts';

/** Longest answer that is taken, characters. */
const longest = 16 * 1024;

/** What a person has answered. */
export interface Answers {
  /** Null: he will not answer. */
  readonly answers: readonly Secret[] | null;
  /** How long they may be kept, ms; absent: the daemon's own time. */
  readonly lifetime: number | undefined;
}

/** Reads `{ "answers": [...] or null, "for": ms }`. Throws USAGE, which never says what stood there. */
export function readAnswers(type: string, text: string): Answers {
  // A page of another origin can send this type only after asking, and is not answered.
  if (!/^application\/json\s*(;|$)/i.test(type)) throw new Fault('USAGE', 'answers must be sent as application/json');
  const body = parse(text);
  if (typeof body !== 'object' || body === null || !('answers' in body)) throw misread();
  if (body.answers === null) return { answers: null, lifetime: undefined };
  if (!Array.isArray(body.answers)) throw misread();
  const lifetime = 'for' in body ? body.for : undefined;
  if (lifetime !== undefined && (typeof lifetime !== 'number' || !Number.isInteger(lifetime) || lifetime < 1)) {
    throw new Fault('USAGE', '"for" must be a whole number of milliseconds from 1 up');
  }
  const answers = body.answers.map((answer: unknown) => {
    if (typeof answer !== 'string' || answer.length > longest) throw misread();
    return new Secret(answer);
  });
  return { answers, lifetime };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The error would quote the body.
    throw misread();
  }
}

function misread(): Fault {
  return new Fault('USAGE', `the body must be { "answers": ["..."] }, each a text of at most ${longest} characters`);
}
