import { type Recipe, type RecipeToken, safeGroupPattern } from '../../plugin.ts';
import { readJsonPath } from '../printed/json-path.ts';
import { generic } from '../recipes/generic.ts';
import { type Given, text, wrong } from './option-values.ts';

/** How a token is printed that no recipe knows of. */
export interface Printed {
  /** The option that says it. */
  readonly key: 'tokenPattern' | 'tokenJson';
  readonly token: RecipeToken & { readonly from: 'output' };
}

/** Null: no option says it. Throws CONFIG_INVALID. */
export function readPrinted(given: Given): Printed | null {
  const [pattern, json] = [text(given, 'tokenPattern', 200), text(given, 'tokenJson', 200)];
  if (pattern !== undefined && json !== undefined)
    throw wrong('"tokenPattern" and "tokenJson" exclude each other; remove one');
  if (json !== undefined) {
    const path = readJsonPath(json);
    if ('trouble' in path) throw wrong(`"tokenJson": ${path.trouble.message}; expected ${path.trouble.expected}`);
    return { key: 'tokenJson', token: { from: 'output', json } };
  }
  if (pattern === undefined) return null;
  const parsed = safeGroupPattern(pattern);
  if ('trouble' in parsed)
    throw wrong(`"tokenPattern": ${parsed.trouble.message}; expected ${parsed.trouble.expected}`);
  return { key: 'tokenPattern', token: { from: 'output', pattern } };
}

/** Makes of what is known of a backend one that prints its token; without a recipe it is as `generic` says. Throws CONFIG_INVALID. */
export function withPrinted(recipe: Recipe | null, printed: Printed | null): Recipe | null {
  if (printed === null) return recipe;
  const { token, ...rest } = recipe ?? generic;
  if (token.from !== 'nowhere') {
    const how = token.from === 'environment' ? `gets one in $${token.name}` : `says that by its "${partOf(token)}"`;
    throw wrong(
      `"${printed.key}" is for a backend that nothing else is known of; recipe "${rest.name}" ${how}; remove it`,
    );
  }
  return { ...rest, token: printed.token };
}

/** Where in a recipe it is said how a token is printed. */
export function partOf(token: RecipeToken | undefined): 'token.json' | 'token.pattern' {
  return token !== undefined && 'json' in token ? 'token.json' : 'token.pattern';
}
