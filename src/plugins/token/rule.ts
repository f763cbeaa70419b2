import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { Fault, printable, readDuration, type Recipe, safeGroupPattern, safePattern } from '../../plugin.ts';
import { type JsonPath, readJsonPath } from '../printed/json-path.ts';
import { recipes } from '../recipes/recipes.ts';

/** Where the token is. */
export type TokenSource =
  /** A file of the remote host, or what a command of it prints. */
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'command'; readonly command: string }
  /** The same on this machine. */
  | { readonly from: 'local-file'; readonly path: string }
  | { readonly from: 'local-command'; readonly command: string }
  /** A variable in the daemon's environment. */
  | { readonly from: 'local-env'; readonly name: string }
  /** The system's keyring; null: under the name of the relay. */
  | { readonly from: 'keyring'; readonly name: string | null }
  /** The backend has none. */
  | { readonly from: 'none' };

/** Which part of what stands there is the token. */
export type TokenPart =
  | { readonly by: 'whole' }
  /** The first group of `pattern`; `none`: what stands there where there is none. */
  | { readonly by: 'pattern'; readonly pattern: RegExp; readonly none: RegExp | null }
  /** Names and indexes into JSON. */
  | { readonly by: 'json'; readonly path: JsonPath };

/** One rule by which a token is found. */
export interface TokenRule {
  readonly source: TokenSource;
  readonly part: TokenPart;
  /** What is known of the backend whose token it is; null: nothing. */
  readonly recipe: Recipe | null;
  /** ms that finding it may take. Default 8 s: less than the 10 s that a `token` hook has. */
  readonly deadline: number;
}

const usualDeadline = 8_000;

/** The option that names the source, for each. */
const operands = {
  file: 'path',
  command: 'command',
  'local-file': 'path',
  'local-command': 'command',
  'local-env': 'name',
  keyring: 'name',
  none: null,
} as const;

/** Reads the options of the plugin. Throws CONFIG_INVALID. */
export function parseTokenRule(value: unknown): TokenRule {
  const options = byRecipe(record(value));
  const from = text(options, 'from');
  if (from === null || !isSource(from)) {
    throw wrong(`"from" must be one of ${Object.keys(operands).join(', ')}, or "recipe" a recipe that says it`);
  }
  const operand = operands[from];
  const read = from === 'none' ? [] : ['pattern', 'none', 'json', 'deadline'];
  const known = ['from', ...(operand === null ? [] : [operand]), ...read];
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw wrong(`"${unknown}" means nothing beside from "${from}"; known are ${known.join(', ')}`);
  return {
    source: readSource(from, options),
    part: readPart(options),
    deadline: readDeadline(options),
    recipe: recipeOf(value),
  };
}

/** The recipe that the options name; null: none. */
function recipeOf(value: unknown): Recipe | null {
  const name = text(record(value), 'recipe');
  return name === null ? null : (recipes.get(name) ?? null);
}

/** `{ "recipe": "jupyter" }` stands for what that recipe says of one that runs already. */
function byRecipe(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { recipe: _, ...own } = options;
  const name = text(options, 'recipe');
  if (name === null) return options;
  const known = [...recipes.values()].filter(({ attach }) => attach !== null).map((recipe) => recipe.name);
  const attach = recipes.get(name)?.attach ?? null;
  if (attach !== null) return { ...attach, ...own };
  throw wrong(`recipe "${name}" does not say where the token of a running backend is; ${known.join(', ')} do`);
}

function readSource(from: TokenSource['from'], options: Readonly<Record<string, unknown>>): TokenSource {
  const needed = (key: string): string => {
    const given = text(options, key);
    if (given === null) throw wrong(`from "${from}" needs "${key}"`);
    return given;
  };
  switch (from) {
    case 'file': {
      const path = needed('path');
      if (/^(?:\/|~\/)/.test(path)) return { from, path };
      throw wrong(`path "${path}" must begin with / or ~/`);
    }
    case 'local-file': {
      const path = needed('path').replace(/^~(?=\/)/, homedir());
      if (isAbsolute(path)) return { from, path: join(path) };
      throw wrong(`path "${path}" must begin with / or ~/`);
    }
    case 'command':
    case 'local-command':
      return { from, command: needed('command') };
    case 'local-env': {
      const name = needed('name');
      if (/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) return { from, name };
      throw wrong(`"${name}" is no name of an environment variable`);
    }
    case 'keyring': {
      const name = text(options, 'name');
      if (name === null || /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return { from, name };
      throw wrong(`"${name}" is no name in the keyring: letters, digits, - _ . (at most 64)`);
    }
    case 'none':
      return { from };
  }
}

function readPart(options: Readonly<Record<string, unknown>>): TokenPart {
  const [pattern, none, json] = [
    compile(options, 'pattern', safeGroupPattern),
    compile(options, 'none'),
    text(options, 'json'),
  ];
  if (pattern !== null && json !== null) throw wrong('"pattern" and "json" exclude each other; remove one');
  if (pattern !== null) return { by: 'pattern', pattern, none };
  if (none !== null) throw wrong('"none" needs "pattern"');
  if (json === null) return { by: 'whole' };
  const path = readJsonPath(json);
  if ('value' in path) return { by: 'json', path: path.value };
  throw wrong(`json: ${path.trouble.message}; expected ${path.trouble.expected}`);
}

function compile(options: Readonly<Record<string, unknown>>, key: string, read = safePattern): RegExp | null {
  const pattern = text(options, key);
  if (pattern === null) return null;
  const parsed = read(pattern);
  if ('value' in parsed) return parsed.value;
  throw wrong(`${key}: ${parsed.trouble.message}; expected ${parsed.trouble.expected}`);
}

function readDeadline(options: Readonly<Record<string, unknown>>): number {
  const given = text(options, 'deadline');
  const deadline = given === null ? usualDeadline : readDuration(given);
  if (deadline !== null && deadline >= 100 && deadline <= 60_000) return deadline;
  throw wrong(`deadline "${given}" is none; expected from "100ms" to "60s" (ms, s, m), such as "5s"`);
}

function isSource(from: string): from is TokenSource['from'] {
  return Object.hasOwn(operands, from);
}

function text(options: Readonly<Record<string, unknown>>, key: string): string | null {
  const value = Object.hasOwn(options, key) ? options[key] : undefined;
  if (value === undefined) return null;
  if (typeof value === 'string' && value !== '' && value.length <= 4096 && !value.includes('\0')) return value;
  throw wrong(`"${key}" must be a text`);
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw wrong('its options must be an object');
}

function wrong(message: string): Fault {
  return new Fault('CONFIG_INVALID', printable(message));
}
