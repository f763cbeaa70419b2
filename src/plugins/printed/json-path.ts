/** A path into JSON, such as `servers.0.token`: names and indexes with dots between them. */
export type JsonPath = readonly string[];

/** What is wrong with a path, where something is. */
export type ReadPath =
  | { readonly value: JsonPath }
  | { readonly trouble: { readonly message: string; readonly expected: string } };

/** Reads a path; what other languages of paths begin with is refused, for it would lead nowhere. */
export function readJsonPath(text: string): ReadPath {
  const path = text.split('.');
  const isOther = /^[$/]|[[\]]|^\s|\s$/.test(text);
  if (!isOther && !path.includes('') && text.length <= 200) return { value: path };
  const expected =
    'names and indexes with dots between them, such as "auth.token" or "servers.0.token" (at most 200 characters)';
  return { trouble: { message: 'that is no path into JSON', expected } };
}

/** Undefined: it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What stands there; undefined: nothing does. A name that has dots itself is found as the last one. */
export function atPath(value: unknown, path: JsonPath): unknown {
  const [name, ...others] = path;
  if (name === undefined) return value;
  const whole = step(value, path.join('.'));
  return whole === undefined ? atPath(step(value, name), others) : whole;
}

/** What stands there as a token is one: a text, or a whole number that JavaScript reads exactly (RFC 8259, section 6). Undefined: it is none. */
export function tokenText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? String(value) : undefined;
}

/** Own members only: `__proto__` leads nowhere. */
function step(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
