import { Fault, nearest, printable, readDuration, type Recipe } from '../../plugin.ts';
import { recipes } from '../recipes/recipes.ts';
import { type Given, oneOf, shown, text, wrong } from './option-values.ts';
import { partOf, readPrinted, withPrinted } from './printed-option.ts';
import { parseRecipe } from './recipe-option.ts';

/** The options of \`launch\`, parsed. */
export interface LaunchOptions {
  /** What starts the backend; `{port}` in it, in `cwd` and in `env` is its port. */
  readonly command: string;
  /** What is known of such a backend; null: nothing. */
  readonly recipe: Recipe | null;
  /** Default `auto`: a free one from 20000-32767 where `{port}` stands, else the one that it prints, or the only one that it listens on. */
  readonly port: number | 'auto';
  /** The folder that it starts in, `~/` allowed. Default: home. */
  readonly cwd: string;
  /** Variables that it gets beside those of the account there. Default: none. */
  readonly env: Readonly<Record<string, string>>;
  /** Who reads the command: `sh` (default), or the account's `login` shell with its startup files. */
  readonly shell: 'sh' | 'login';
  /** `detached` (default) outlives the link; `session` ends within 5 s of it. */
  readonly lifetime: 'detached' | 'session';
  /** ms until it must be ready. Default 60 s. */
  readonly deadline: number;
  /** What becomes of one that was not ready in time: `keep` (default), and the next try adopts it, or `stop`. */
  readonly late: 'keep' | 'stop';
  /** Name of its state folder on the host; null: the relay's. */
  readonly name: string | null;
  /** The option that says where a printed token stands, as the config file has it. */
  readonly tokenKey: string;
}

const known = [
  'command',
  'recipe',
  'tokenPattern',
  'tokenJson',
  'port',
  'cwd',
  'env',
  'shell',
  'lifetime',
  'deadline',
  'late',
  'name',
] as const;

/** Reads the options as they stand in the config file. Throws CONFIG_INVALID, which names each wrong option and what is expected. */
export function parseOptions(value: unknown): LaunchOptions {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('expected an object');
  const given: Given = { ...value };
  const troubles: string[] = [];
  for (const key of Object.keys(given)) {
    if (known.some((one) => one === key)) continue;
    const near = nearest(key, known);
    troubles.push(
      `"${printable(key)}" is no option; ${near === null ? `known are ${known.join(', ')}` : `did you mean "${near}"?`}`,
    );
  }
  // Who mends one wants to know of the others.
  const read = <Value>(deed: () => Value): Value | null => {
    try {
      return deed();
    } catch (error) {
      troubles.push(Fault.from(error).message);
      return null;
    }
  };
  const before = troubles.length;
  const printed = read(() => readPrinted(given));
  const recipe = read(() => withPrinted(readRecipe(given['recipe']), printed));
  // Without its recipe nobody knows whether a command is missing.
  const command = troubles.length > before ? null : read(() => readCommand(given, recipe));
  const port = read(() => readPort(given['port']));
  const cwd = read(() => text(given, 'cwd', 4096) ?? '');
  const env = read(() => readEnv(given['env']));
  const shell = read(() => oneOf<'sh' | 'login'>(given, 'shell', ['sh', 'login']));
  const lifetime = read(() => oneOf<'detached' | 'session'>(given, 'lifetime', ['detached', 'session']));
  const deadline = read(() => readDeadline(text(given, 'deadline', 20)));
  const late = read(() => oneOf<'keep' | 'stop'>(given, 'late', ['keep', 'stop']));
  const name = read(() => readName(text(given, 'name', 64)));
  const isRead = command !== null && port !== null && cwd !== null && env !== null && deadline !== null;
  if (troubles.length > 0 || !isRead || shell === null || lifetime === null || late === null)
    throw wrong(troubles.join('; '));
  const tokenKey = `"${printed?.key ?? `recipe.${partOf(recipe?.token)}`}"`;
  return { command, recipe, port, cwd, env, shell, lifetime, deadline, late, name, tokenKey };
}

function readRecipe(value: unknown): Recipe | null {
  if (value === undefined) return null;
  if (typeof value !== 'string') return parseRecipe(value);
  const found = recipes.get(value);
  if (found !== undefined) return found;
  const names = [...recipes.keys()];
  const near = nearest(value, names);
  throw wrong(
    `there is no recipe "${printable(value)}"; ${near === null ? `known are ${names.join(', ')}` : `did you mean "${near}"?`}`,
  );
}

function readCommand(given: Given, recipe: Recipe | null): string {
  const command = text(given, 'command', 16_384) ?? recipe?.command;
  if (command !== undefined && command.trim() !== '') return command;
  throw wrong('"command" is missing; expected what starts the backend, or a "recipe"');
}

function readPort(value: unknown): number | 'auto' {
  if (value === undefined || value === 'auto') return 'auto';
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535) return value;
  throw wrong(`"port" is ${shown(value)}; expected "auto" or a number from 1 to 65535`);
}

function readEnv(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(`"env" is ${shown(value)}; expected an object of names and texts`);
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, one]): [string, string] => {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name === 'TOWLINE_RUN') {
        throw wrong(`"env" has "${printable(name)}"; expected a variable's name: letters, digits and _`);
      }
      if (typeof one !== 'string' || one.includes('\0')) throw wrong(`"env.${name}" must be a text`);
      return [name, one];
    }),
  );
}

function readDeadline(given: string | undefined): number {
  if (given === undefined) return 60_000;
  const time = readDuration(given);
  if (time !== null && time >= 1_000 && time <= 3_600_000) return time;
  throw wrong(`"deadline" is "${printable(given)}"; expected a duration from "1s" to "1h" (ms, s, m, h)`);
}

function readName(name: string | undefined): string | null {
  if (name === undefined || /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return name ?? null;
  throw wrong(`"name" is "${printable(name)}"; expected letters, digits, - _ . (at most 64)`);
}
