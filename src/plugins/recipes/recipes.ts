import type { Recipe } from '../../plugin.ts';
import { codeServer } from './code-server.ts';
import { generic } from './generic.ts';
import { jupyter } from './jupyter.ts';
import { mains } from './mains.ts';
import { opencode } from './opencode.ts';
import { vite } from './vite.ts';

/** Every recipe, by its name. */
export const recipes: ReadonlyMap<string, Recipe> = new Map(
  [mains, jupyter, codeServer, vite, opencode, generic].map((recipe) => [recipe.name, recipe]),
);
