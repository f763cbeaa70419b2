/** A path into JSON, such as `servers.0.token`: names and indexes with dots between them. */
export type JsonPath = readonly string[];

export function readJsonPath(text: string): JsonPath {
  return text.split('.');
}

/** Undefined: it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What stands there; undefined: nothing does. */
export function atPath(value: unknown, path: JsonPath): unknown {
  return path.reduce(step, value);
}

/** Own members only: `__proto__` leads nowhere. */
function step(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
