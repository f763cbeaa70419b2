import * as z from 'zod';
import type { Parsed } from './problem.ts';
import { durationPattern } from '../model/duration.ts';
import { parseDuration } from './units.ts';

// Each `error` says what is expected; issues.ts adds what was seen. For unknown keys it lists the known ones.

/** Runs one of our parsers inside zod. */
export function through<Input, Output>(parse: (value: Input) => Parsed<Output>) {
  return (value: Input, context: z.RefinementCtx): Output => {
    const parsed = parse(value);
    if ('value' in parsed) return parsed.value;
    const { message, expected } = parsed.trouble;
    context.addIssue({ code: 'custom', message, params: { expected } });
    return z.NEVER;
  };
}

/** An object without other keys than these. */
export function closed<Shape extends z.core.$ZodLooseShape>(shape: Shape, expected: string) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : expected),
  });
}

/** A whole number within bounds. */
export function whole(least: number, most: number, description: string) {
  const error = `a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error }).meta({ description });
}

/** A text such as "15s", read as ms. */
export function duration(least: string, most: string, description: string) {
  return z
    .string({ error: `a duration from "${least}" to "${most}" (ms, s, m, h)` })
    .transform(through((text: string) => parseDuration(text, least, most)))
    .meta({ description: `${description} From ${least} to ${most}.`, pattern: durationPattern });
}

/** True or false. */
export function flag(description: string) {
  return z.boolean({ error: 'true or false' }).meta({ description });
}
