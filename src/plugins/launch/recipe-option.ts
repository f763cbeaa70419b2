import {
  Fault,
  type Recipe,
  type RecipeToken,
  safeGroupPattern,
  safePattern,
  type TokenDoor,
  type TokenWire,
} from '../../plugin.ts';
import { readJsonPath, type ReadPath } from '../printed/json-path.ts';

type Source = Readonly<Record<string, unknown>>;

/** Reads a recipe that stands in the config file itself; what it leaves out is as in the recipe `generic`. Throws CONFIG_INVALID. */
export function parseRecipe(value: unknown): Recipe {
  const keys = ['name', 'title', 'command', 'port', 'prints', 'token', 'door', 'page', 'scheme', 'attach', 'notes'];
  const given = source(value, 'recipe', keys);
  const scheme = text(given, 'recipe.scheme') ?? 'http';
  if (scheme !== 'http' && scheme !== 'ws') throw wrong('recipe.scheme', '"http" or "ws"');
  const port = given['port'] ?? 8080;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw wrong('recipe.port', 'a number from 1 to 65535');
  }
  return {
    name: text(given, 'recipe.name') ?? 'own',
    title: text(given, 'recipe.title') ?? 'a recipe of the config',
    command: text(given, 'recipe.command') ?? '',
    port,
    prints: pattern(given, 'recipe.prints', safeGroupPattern) ?? null,
    token: given['token'] === undefined ? { from: 'nowhere' } : parseToken(given['token']),
    door: given['door'] === undefined || given['door'] === null ? null : parseDoor(given['door']),
    page: text(given, 'recipe.page') ?? '/',
    scheme,
    attach: null,
    notes: [],
  };
}

function parseToken(value: unknown): RecipeToken {
  const given = source(value, 'recipe.token', ['from', 'name', 'pattern', 'none', 'json']);
  const found = pattern(given, 'recipe.token.pattern', safeGroupPattern);
  const none = pattern(given, 'recipe.token.none');
  const absent = none === undefined ? {} : { none };
  const json = pattern(given, 'recipe.token.json', readJsonPath);
  if (json !== undefined && given['from'] !== 'output')
    throw wrong('recipe.token.json', 'beside "from": "output" only');
  switch (given['from']) {
    case 'nowhere':
      return { from: 'nowhere' };
    case 'environment': {
      const name = needed(given, 'recipe.token.name');
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw wrong('recipe.token.name', 'the name of a variable');
      return { from: 'environment', name, ...(found === undefined ? {} : { pattern: found }), ...absent };
    }
    case 'output':
      if (json !== undefined && found !== undefined) throw wrong('recipe.token.json', 'without "pattern"');
      if (json !== undefined) return { from: 'output', json, ...absent };
      if (found === undefined)
        throw wrong(
          'recipe.token.pattern',
          'a pattern whose first group is the token, or "recipe.token.json" the path to it',
        );
      return { from: 'output', pattern: found, ...absent };
    default:
      throw wrong('recipe.token.from', '"environment", "output" or "nowhere"');
  }
}

function parseDoor(value: unknown): TokenDoor {
  const given = source(value, 'recipe.door', ['wire', 'kind', 'path']);
  const kind = needed(given, 'recipe.door.kind');
  if (kind !== 'http' && kind !== 'websocket') throw wrong('recipe.door.kind', '"http" or "websocket"');
  return { kind, path: text(given, 'recipe.door.path') ?? '/', wire: parseWire(given['wire']) };
}

function parseWire(value: unknown): TokenWire {
  const given = source(value, 'recipe.door.wire', ['in', 'name', 'before', 'user', 'protocols']);
  const place = given['in'];
  const before = text(given, 'recipe.door.wire.before') ?? '';
  if (place === 'query') return { in: place, name: needed(given, 'recipe.door.wire.name') };
  if (place === 'header') return { in: place, name: needed(given, 'recipe.door.wire.name'), before };
  if (place === 'basic') return { in: place, user: needed(given, 'recipe.door.wire.user') };
  if (place !== 'subprotocol') throw wrong('recipe.door.wire.in', '"query", "header", "basic" or "subprotocol"');
  const protocols = given['protocols'] ?? [];
  if (!Array.isArray(protocols) || !protocols.every((one): one is string => typeof one === 'string')) {
    throw wrong('recipe.door.wire.protocols', 'a list of texts');
  }
  return { in: place, protocols, before };
}

function source(value: unknown, path: string, keys: readonly string[]): Source {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'an object');
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw wrong(`${path}.${unknown}`, `one of ${keys.join(', ')}`);
  return { ...value };
}

/** The text at a path such as `recipe.door.path`, whose last word is the key. */
function text(given: Source, path: string): string | undefined {
  const value = given[path.slice(path.lastIndexOf('.') + 1)];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value.length <= 4096 && !value.includes('\0')) return value;
  throw wrong(path, 'a text');
}

function needed(given: Source, path: string): string {
  const value = text(given, path);
  if (value === undefined || value === '') throw wrong(path, 'a text');
  return value;
}

function pattern(
  given: Source,
  path: string,
  read: (text: string) => ReturnType<typeof safePattern> | ReadPath = safePattern,
): string | undefined {
  const value = text(given, path);
  const parsed = value === undefined ? null : read(value);
  if (parsed !== null && 'trouble' in parsed) throw wrong(path, parsed.trouble.expected);
  return value;
}

function wrong(path: string, expected: string): Fault {
  return new Fault('CONFIG_INVALID', `"${path}" must be ${expected}`);
}
